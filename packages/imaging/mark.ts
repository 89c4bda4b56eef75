/**
 * @module The sandbox's mark: a keyed hash over size and decoded pixels in a PNG text chunk. It says "these very pixels
 * were drawn by the sandbox of this data folder"; a name or a look would not.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { PIXELS_MAX } from "./limits.ts";
import { PNG_SIGNATURE_BYTES, pngChunks, textChunk, textOf } from "./png.ts";
import { decode, type RawPicture } from "./raw.ts";

export const MARK_KEYWORD = "AtelierSandbox";

/** HMAC-SHA256 over width, height (32 bits each, big-endian) and the RGB pixels, base64url. */
export function sandboxMark(raw: RawPicture, key: Uint8Array): string {
  const size = Buffer.alloc(8);
  size.writeUInt32BE(raw.width, 0);
  size.writeUInt32BE(raw.height, 4);
  return createHmac("sha256", key).update(size).update(raw.pixels).digest("base64url");
}

/** Marks a PNG with the pixels that it decodes to; a mark that it has is replaced. */
export async function addSandboxMark(png: Uint8Array, key: Uint8Array): Promise<Buffer> {
  return withMark(png, sandboxMark(await decode(png, PIXELS_MAX), key));
}

/** The PNG with this mark after its header. */
export function withMark(png: Uint8Array, mark: string): Buffer {
  const pieces = [png.subarray(0, PNG_SIGNATURE_BYTES)];
  for (const chunk of pngChunks(png)) {
    if (textOf(chunk, MARK_KEYWORD) === null) pieces.push(png.subarray(chunk.start, chunk.end));
    if (chunk.type === "IHDR") pieces.push(textChunk(MARK_KEYWORD, mark));
  }
  return Buffer.concat(pieces);
}

/** The mark that a PNG carries, whoever made it, or null. */
export function readMark(png: Uint8Array): string | null {
  for (const chunk of pngChunks(png)) {
    const mark = textOf(chunk, MARK_KEYWORD);
    if (mark !== null) return mark;
  }
  return null;
}

export function markMatches(mark: string | null, raw: RawPicture, key: Uint8Array): boolean {
  if (mark === null) return false;
  const wanted = Buffer.from(sandboxMark(raw, key));
  const given = Buffer.from(mark);
  return wanted.length === given.length && timingSafeEqual(wanted, given);
}
