/** @module What kind of picture some bytes are, by their first bytes alone: a name or a header may lie. */

export const MEDIA_TYPES = ["image/png", "image/jpeg", "image/webp", "image/avif"] as const;
export type MediaType = (typeof MEDIA_TYPES)[number];

/** Enough of a file's beginning for `sniffMediaType`; the brands of an AVIF may follow its first ones. */
export const SNIFF_BYTES = 64;

const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const JPEG_SIGNATURE = [0xff, 0xd8, 0xff];
/** Still and sequence brands of AV1 in HEIF (AVIF specification, section 6). */
const AVIF_BRANDS = ["avif", "avis"];

/** The type that the bytes begin as, or null when they are none of ours. Says nothing about the rest of the file. */
export function sniffMediaType(bytes: Uint8Array): MediaType | null {
  if (startsWith(bytes, PNG_SIGNATURE)) return "image/png";
  if (startsWith(bytes, JPEG_SIGNATURE)) return "image/jpeg";
  if (textAt(bytes, 0) === "RIFF" && textAt(bytes, 8) === "WEBP") return "image/webp";
  if (fileTypeBrands(bytes).some((brand) => AVIF_BRANDS.includes(brand))) return "image/avif";
  return null;
}

/** Brands of an ISO base media file, the major one first; empty for anything else. */
export function fileTypeBrands(bytes: Uint8Array): string[] {
  if (textAt(bytes, 4) !== "ftyp") return [];
  const boxBytes = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0);
  const brands = [textAt(bytes, 8)];
  for (let at = 16; at + 4 <= Math.min(boxBytes, bytes.length, SNIFF_BYTES); at += 4) {
    brands.push(textAt(bytes, at));
  }
  return brands;
}

function startsWith(bytes: Uint8Array, signature: readonly number[]): boolean {
  return signature.every((byte, index) => bytes[index] === byte);
}

/** Four characters. */
function textAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

/** The file name's ending for a media type; `bin` for what is none of ours. */
export function extensionOf(mediaType: string): string {
  if (!(MEDIA_TYPES as readonly string[]).includes(mediaType)) return "bin";
  return mediaType === "image/jpeg" ? "jpg" : mediaType.slice("image/".length);
}
