/** @module Sound PNG files without an imaging library: noise of one grey byte a pixel, from a seed. */
import { createHash } from "node:crypto";
import { crc32, deflateSync } from "node:zlib";

/** The same size and seed give the same bytes. */
export function tinyPng(width: number, height: number, seed: number): Uint8Array {
  const noise = createHash("sha256").update(String(seed)).digest();
  return greyPng(width, height, (x, y) => noise[(y * (width + 1) + x + 1) % noise.length] ?? 0);
}

/** @param greyAt 0 to 255, from the top left */
export function greyPng(width: number, height: number, greyAt: (x: number, y: number) => number): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 0, 0, 0, 0], 8);
  const rows = Buffer.alloc((width + 1) * height);
  for (let at = 0; at < rows.length; at++) {
    const x = (at % (width + 1)) - 1;
    rows[at] = x < 0 ? 0 : greyAt(x, Math.floor(at / (width + 1)));
  }
  const file = Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
  return new Uint8Array(file);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const frame = Buffer.alloc(8 + body.length);
  frame.writeUInt32BE(data.length, 0);
  frame.set(body, 4);
  frame.writeUInt32BE(crc32(body), 4 + body.length);
  return frame;
}
