/** @module The chunks of a PNG file, read and written by hand: sharp keeps no text chunks. */
import { crc32 } from "node:zlib";

export const PNG_SIGNATURE_BYTES = 8;
/** Length, type and checksum around the data of a chunk. */
const CHUNK_FRAME_BYTES = 12;

export interface PngChunk {
  /** Four letters, such as `IHDR`. */
  readonly type: string;
  readonly data: Uint8Array;
  /** Where the chunk, with its frame, begins and ends in the file. */
  readonly start: number;
  readonly end: number;
}

/** The chunks of a PNG, up to and with `IEND`; stops early where the file is cut. Checksums are the decoder's business. */
export function* pngChunks(png: Uint8Array): Generator<PngChunk> {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  for (let start = PNG_SIGNATURE_BYTES; start + CHUNK_FRAME_BYTES <= png.length; ) {
    const end = start + CHUNK_FRAME_BYTES + view.getUint32(start);
    if (end > png.length) return;
    const type = Buffer.from(png.subarray(start + 4, start + 8)).toString("latin1");
    yield { type, data: png.subarray(start + 8, end - 4), start, end };
    if (type === "IEND") return;
    start = end;
  }
}

/** A whole `tEXt` chunk. Keyword and text must be Latin-1. */
export function textChunk(keyword: string, text: string): Buffer {
  const content = Buffer.from(`tEXt${keyword}\0${text}`, "latin1");
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length - 4);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(content));
  return Buffer.concat([length, content, checksum]);
}

/** The text under the keyword, or null when the chunk is another. */
export function textOf(chunk: PngChunk, keyword: string): string | null {
  if (chunk.type !== "tEXt") return null;
  const content = Buffer.from(chunk.data).toString("latin1");
  return content.startsWith(`${keyword}\0`) ? content.slice(keyword.length + 1) : null;
}
