/** @module The pictures of a simulated Midjourney: noise by task and quarter, so that a quarter can be told from every other. */
import { createHash } from "node:crypto";
import { greyPng } from "./tiny-png.ts";

/** The grey of a pixel of one quarter, 1 to 4 in reading order. */
export function greyOfQuarter(gridId: string, quarter: number): (x: number, y: number) => number {
  const noise = createHash("sha256").update(`${gridId}/${quarter}`).digest();
  return (x, y) => noise[(y * 7 + x) % noise.length] ?? 0;
}

export function quarterPng(gridId: string, quarter: number, edgePixels: number): Uint8Array {
  return greyPng(edgePixels, edgePixels, greyOfQuarter(gridId, quarter));
}

/** Two by two quarters of this edge. */
export function gridPng(gridId: string, edgePixels: number): Uint8Array {
  const quarters = [1, 2, 3, 4].map((quarter) => greyOfQuarter(gridId, quarter));
  return greyPng(2 * edgePixels, 2 * edgePixels, (x, y) => {
    const quarter = (y < edgePixels ? 0 : 2) + (x < edgePixels ? 0 : 1);
    return quarters[quarter]?.(x % edgePixels, y % edgePixels) ?? 0;
  });
}
