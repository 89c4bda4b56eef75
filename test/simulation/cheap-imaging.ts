/**
 * @module The port `Imaging` without a library, for thousands of pictures: it checks the whole file (signature, chunks and their
 * sums, pixels, end) as strictly as a decoder, cuts grids truly, and develops a few bytes that depend on the pixels.
 */
import { crc32, inflateSync } from "node:zlib";
import { AtelierError } from "@atelier/core/errors";
import { sha256Hex } from "@atelier/core/ids";
import type { Imaging, OpenPicture } from "@atelier/core/pictures";
import { greyPng } from "../simulators/tiny-png.ts";

interface Decoded {
  readonly width: number;
  readonly height: number;
  /** Grey, one byte a pixel. */
  readonly pixels: Uint8Array;
}

export function createCheapImaging(): Imaging {
  return {
    async open(bytes) {
      return pictureOf(decoded(bytes));
    },
    async quarters(bytes) {
      const { width, height, pixels } = decoded(bytes);
      const [halfWidth, halfHeight] = [width >> 1, height >> 1];
      return [0, 1, 2, 3].map((quarter) => {
        const [left, top] = [quarter % 2 === 0 ? 0 : halfWidth, quarter < 2 ? 0 : halfHeight];
        return greyPng(halfWidth, halfHeight, (x, y) => pixels[(top + y) * width + left + x] ?? 0);
      });
    },
  };
}

function pictureOf({ width, height, pixels }: Decoded): OpenPicture {
  const sha256 = sha256Hex(pixels);
  return {
    width,
    height,
    format: "png",
    pixels,
    markedBy: () => false,
    async measure() {
      const quality = 50 + (Number.parseInt(sha256.slice(0, 4), 16) % 50);
      const part = quality;
      return {
        quality,
        parts: {
          sharpness: part,
          exposure: part,
          contrast: part,
          colourfulness: part,
          noise: part,
          blockiness: part,
        },
        fingerprint: { dhash: sha256.slice(0, 16), mirrored: sha256.slice(16, 32) },
        // As many as a picture has at most.
        colours: ["grey", "white", "black", "silver"],
      };
    },
    proxyJpeg: async () => Buffer.from(sha256, "hex"),
    async *develop(recipe) {
      for (const { rendition, format } of recipe.steps) {
        const data = Buffer.from(`${rendition} of ${sha256}`);
        const contentType = format === "jpeg" ? "image/jpeg" : "image/webp";
        yield {
          name: rendition,
          width,
          height,
          bytes: data.length,
          sha256: sha256Hex(data),
          contentType,
          data,
        };
      }
    },
  };
}

/** @throws AtelierError `OutputInvalid` for anything but one whole, grey or coloured PNG */
function decoded(bytes: Uint8Array): Decoded {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.subarray(0, 8).toString("latin1") !== "\x89PNG\r\n\x1a\n") throw invalid("no PNG");
  const data: Buffer[] = [];
  let [width, height, colour] = [0, 0, -1];
  for (let at = 8; ; ) {
    if (at + 12 > file.length) throw invalid("it ends early");
    const length = file.readUInt32BE(at);
    const body = file.subarray(at + 4, at + 8 + length);
    if (at + 12 + length > file.length) throw invalid("it ends early");
    if (crc32(body) !== file.readUInt32BE(at + 8 + length)) throw invalid("a sum is wrong");
    const kind = body.subarray(0, 4).toString("latin1");
    if (kind === "IHDR")
      [width, height, colour] = [body.readUInt32BE(4), body.readUInt32BE(8), body[13] ?? -1];
    if (kind === "IDAT") data.push(body.subarray(4));
    if (kind === "IEND") break;
    at += 12 + length;
  }
  if (colour !== 0 || width * height > 64_000_000) throw invalid("not as the simulators draw");
  const rows = rowsOf(data);
  if (rows.length !== (width + 1) * height) throw invalid("pixels are missing");
  const pixels = new Uint8Array(width * height);
  for (let y = 0; y < height; y++)
    pixels.set(rows.subarray(y * (width + 1) + 1, (y + 1) * (width + 1)), y * width);
  return { width, height, pixels };
}

function rowsOf(data: readonly Buffer[]): Buffer {
  try {
    return inflateSync(Buffer.concat(data));
  } catch {
    throw invalid("its pixels cannot be unpacked");
  }
}

function invalid(why: string): AtelierError {
  return new AtelierError("OutputInvalid", `The file is not a whole picture: ${why}.`);
}
