/** @module What an XMP packet says about where a picture comes from, whoever wrote it; only the few properties that matter. */

export interface XmpStatement {
  /** A term of IPTC's digital source types, as an address. */
  readonly digitalSourceType: string | null;
  readonly creatorTool: string | null;
  readonly createdAt: string | null;
  readonly aiSystem: string | null;
  readonly aiSystemVersion: string | null;
  readonly identifier: string | null;
  readonly title: string | null;
}

/** A JPEG holds 64 kB of it; nothing that matters stands further back. */
const PACKET_CHARACTERS_MAX = 65_536;

/** Prefixes are the writer's choice, so properties are found by their own names, as elements or as attributes. */
export function readXmp(whole: string): XmpStatement {
  const packet = whole.slice(0, PACKET_CHARACTERS_MAX);
  return {
    digitalSourceType: property(packet, "DigitalSourceType"),
    creatorTool: property(packet, "CreatorTool"),
    createdAt: property(packet, "CreateDate"),
    aiSystem: property(packet, "AISystemUsed"),
    aiSystemVersion: property(packet, "AISystemVersionUsed"),
    identifier: property(packet, "identifier"),
    title: property(packet, "title"),
  };
}

function property(packet: string, name: string): string | null {
  // The first text within the element: those in several languages stand in a list.
  const element = new RegExp(`<[\\w-]+:${name}(?: [^<>]*)?>(?:\\s*<[^<>/][^<>]*>)*([^<>]*)<`).exec(packet);
  const attribute = new RegExp(`\\s[\\w-]+:${name}\\s*=\\s*(?:"([^"<]*)"|'([^'<]*)')`).exec(packet);
  const found = element?.[1] ?? attribute?.[1] ?? attribute?.[2];
  return found === undefined || found.trim() === "" ? null : unescaped(found.trim());
}

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

function unescaped(text: string): string {
  return text.replace(/&(lt|gt|quot|apos|amp);/g, (whole, name: string) => ENTITIES[name] ?? whole);
}
