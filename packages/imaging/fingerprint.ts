/** @module The difference hash of a picture: which of two neighbours is brighter, on a grid of 9 x 8. */
import type { Fingerprint } from "@atelier/core/image";
import { type RawPicture, resized } from "./raw.ts";

const COLUMNS = 9;
const ROWS = 8;

/** Robust against encoding, scaling and brightness; not against crops. Compare with `core/fingerprint.ts`. */
export async function fingerprintOf(raw: RawPicture): Promise<Fingerprint> {
  const { pixels } = await resized(raw, COLUMNS, ROWS);
  const rows = Array.from({ length: ROWS }, (_, row) =>
    Array.from({ length: COLUMNS }, (_, column) => luma(pixels, (row * COLUMNS + column) * 3)),
  );
  return { dhash: hashOf(rows), mirrored: hashOf(rows.map((row) => row.toReversed())) };
}

/** One bit a pair, rows from the top: 1 where the right one is brighter. */
function hashOf(rows: readonly (readonly number[])[]): string {
  const bits = rows.flatMap((row) => row.slice(1).map((value, index) => (value > (row[index] ?? 0) ? 1 : 0)));
  return BigInt(`0b${bits.join("")}`)
    .toString(16)
    .padStart(16, "0");
}

function luma(pixels: Uint8Array, at: number): number {
  const [red = 0, green = 0, blue = 0] = pixels.subarray(at, at + 3);
  return 0.299 * red + 0.587 * green + 0.114 * blue;
}
