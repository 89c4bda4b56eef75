/** @module The provider's own manifest: whether it goes along as an ingredient of ours. */
import type { OpenPicture, Provenance } from "@atelier/core/pictures";
import { mayHoldManifest, readManifests } from "./c2pa-read.ts";

/** A provider's file that came with a manifest. */
export interface MarkedOriginal {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
}

export type Parent =
  | ({ readonly kind: "kept" } & MarkedOriginal)
  /** It stays with the original alone, which is never served. */
  | { readonly kind: "withheld" };

/** Null when the file has no manifest: its bytes need not be kept. */
export function markedOriginal(bytes: Uint8Array, format: OpenPicture["format"]): MarkedOriginal | null {
  return mayHoldManifest(bytes) ? { bytes, mediaType: `image/${format}` } : null;
}

/**
 * Damaged manifests are none. A manifest that no longer fits its picture is kept: the library writes down that it did not.
 * No file of a rated picture may hold its prompt, and providers write prompts into manifests, so those of rated
 * pictures are kept only when there is no place in them where one could stand.
 */
export async function parentOf(
  original: MarkedOriginal | null,
  rating: Provenance["rating"],
): Promise<Parent | null> {
  if (original === null) return null;
  const reading = await readManifests(original.bytes, original.mediaType);
  if (reading.kind !== "read") return null;
  if (rating !== "general" && mayHoldText(reading.everything)) return { kind: "withheld" };
  return { kind: "kept", ...original };
}

/** Assertions whose fields are all known; those of hashes have no room for words. */
const KNOWN_ASSERTIONS = /^(c2pa\.(actions|ingredient|soft-binding)|(c2pa|cawg)\.training-mining)\b/;
const HASH_ASSERTIONS = /^c2pa\.hash\./;

/** What the library found out, and what the certificates say. */
const FINDINGS: ReadonlySet<string> = new Set([
  ...["validation_status", "validation_results", "validation_state", "signature_info"],
]);
/** Ids, hashes and words of C2PA's own: as long as they like, in one word. */
const IDS: ReadonlySet<string> = new Set([
  ...["active_manifest", "label", "instance_id", "document_id", "url", "hash", "alg", "pad"],
  ...["action", "digitalSourceType", "when", "relationship", "format"],
]);
/** Names of programs; `claim_generator` is a list of `name/version`. */
const SOFTWARE: ReadonlySet<string> = new Set(["claim_generator_info", "softwareAgent"]);
const PRODUCT_TOKENS = /^[\w.-]+(\/[\w.+-]+)?( [\w.-]+\/[\w.+-]+)*$/;

/** Longer texts may be prompts: those sent to a provider for a rated picture state an adult age, at least. */
const WORDS_MAX = 3;
/** "Google C2PA Core Generator Library": figures part words. */
const SOFTWARE_WORDS_MAX = 6;
const CHARACTERS_MAX = 60;

/** @param wordsMax what no prompt is so short as */
function mayHoldText(value: unknown, wordsMax = WORDS_MAX): boolean {
  if (typeof value === "string") {
    const words = value.match(/\p{L}+/gu) ?? [];
    return words.length > wordsMax || value.length > CHARACTERS_MAX;
  }
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return value.some((item) => mayHoldText(item, wordsMax));
  if ("label" in value && HASH_ASSERTIONS.test(String(value.label))) return false;
  return (
    isForeign(value) || Object.entries(value).some(([key, inner]) => mayFieldHoldText(key, inner, wordsMax))
  );
}

function mayFieldHoldText(key: string, value: unknown, wordsMax: number): boolean {
  if (FINDINGS.has(key)) return false;
  if (SOFTWARE.has(key)) return mayHoldText(value, SOFTWARE_WORDS_MAX);
  if (typeof value === "string" && IDS.has(key)) return /\s/.test(value);
  if (typeof value === "string" && key === "claim_generator") return !PRODUCT_TOKENS.test(value);
  // Keyed by the manifests' labels.
  if (key === "manifests" && typeof value === "object") return mayHoldText(Object.values(value ?? {}));
  return mayHoldText([key, value], wordsMax);
}

/** An assertion that we do not know, or a file within the file: a thumbnail with metadata, a prompt as an input. */
function isForeign(value: object): boolean {
  if ("label" in value && "data" in value) return !KNOWN_ASSERTIONS.test(String(value.label));
  return "identifier" in value && "format" in value && value.format !== "application/c2pa";
}
