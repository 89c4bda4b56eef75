/** @module What every file says about where it comes from, as an XMP packet. It never holds a prompt. */
import type { Provenance } from "@atelier/core/pictures";

/** IPTC NewsCodes, digital source type: made by a trained model. */
export const DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";

/** A longer packet than one JPEG segment of 64 KB is lost without a word: at six bytes a character these stay below. */
const TEXT_CHARACTERS_MAX = 150;
const KEYWORDS_MAX = 50;

/** Properties of IPTC Photo Metadata 2025.1 (`AISystemUsed`, `AISystemVersionUsed`), Dublin Core and XMP basic. */
export function provenanceXmp(provenance: Provenance): string {
  const { modelVersion } = provenance;
  return packet([
    text("dc:identifier", provenance.imageId),
    `<dc:title><rdf:Alt><rdf:li xml:lang="x-default">${escaped(provenance.title)}</rdf:li></rdf:Alt></dc:title>`,
    `<dc:subject><rdf:Bag>${provenance.keywords
      .slice(0, KEYWORDS_MAX)
      .map((keyword) => text("rdf:li", keyword))
      .join("")}</rdf:Bag></dc:subject>`,
    text("xmp:CreateDate", new Date(provenance.createdAtMs).toISOString()),
    text("Iptc4xmpExt:AISystemUsed", provenance.model),
    ...(modelVersion === null ? [] : [text("Iptc4xmpExt:AISystemVersionUsed", modelVersion)]),
  ]);
}

/** For pictures of several pictures: only that it is synthetic. */
export function syntheticXmp(title: string): string {
  return packet([
    `<dc:title><rdf:Alt><rdf:li xml:lang="x-default">${escaped(title)}</rdf:li></rdf:Alt></dc:title>`,
  ]);
}

function packet(properties: readonly string[]): string {
  return [
    '<?xpacket begin="\uFEFF" id="W5M0MpCehiHzreSzNTczkc9d"?>',
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">',
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">',
    '<rdf:Description rdf:about=""',
    ' xmlns:dc="http://purl.org/dc/elements/1.1/"',
    ' xmlns:xmp="http://ns.adobe.com/xap/1.0/"',
    ' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">',
    text("Iptc4xmpExt:DigitalSourceType", DIGITAL_SOURCE_TYPE),
    text("xmp:CreatorTool", "Atelier"),
    ...properties,
    "</rdf:Description></rdf:RDF></x:xmpmeta>",
    '<?xpacket end="r"?>',
  ].join("\n");
}

function text(property: string, value: string): string {
  return `<${property}>${escaped(value)}</${property}>`;
}

/** XML 1.0 has no place for control characters and halves of characters, however they are written. */
function escaped(value: string): string {
  return value
    .toWellFormed()
    .slice(0, TEXT_CHARACTERS_MAX)
    .toWellFormed()
    .replace(/[^\t\n\r\x20-\uD7FF\uD800-\uDFFF\uE000-\uFFFD]/g, " ")
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;")
    .replace(/"/g, "&quot;");
}
