/** @module Cuts a grid of two by two, as one paid call of some services delivers it, into its four pictures. */
import { AtelierError } from "@atelier/core/errors";
import { sharpOf } from "./raw.ts";
import { decodeWhole } from "./whole.ts";

/**
 * From top left to bottom right; every pixel of the grid is in exactly one quarter, so of an odd edge the right or lower half
 * has one pixel more. The pixels are those that `open` gives of the grid: upright, 8-bit sRGB.
 *
 * @returns four PNG files without metadata; the same bytes for the same file
 * @throws AtelierError `OutputInvalid` for anything that is not one whole picture within the limits, or is too small to be cut
 */
export async function quarters(bytes: Uint8Array): Promise<readonly Uint8Array[]> {
  const { raw } = await decodeWhole(bytes);
  if (Math.min(raw.width, raw.height) < 2) {
    throw new AtelierError(
      "OutputInvalid",
      `The output is ${raw.width} x ${raw.height} pixels, which cannot be a grid of four pictures.`,
    );
  }
  const columns = halves(raw.width);
  const rows = halves(raw.height);
  const pictures: Uint8Array[] = [];
  for (const row of rows) {
    for (const column of columns) {
      const area = { left: column.start, top: row.start, width: column.length, height: row.length };
      pictures.push(await sharpOf(raw).extract(area).png({ compressionLevel: 6 }).toBuffer());
    }
  }
  return pictures;
}

function halves(length: number): readonly { readonly start: number; readonly length: number }[] {
  const middle = Math.floor(length / 2);
  return [
    { start: 0, length: middle },
    { start: middle, length: length - middle },
  ];
}
