/** @module Raw technical features of a picture: numbers with units, not yet judged. `measure.ts` judges them. */
import type { RawPicture } from "./raw.ts";

export interface Features {
  /** Laplacian variance of the sharpest tenth of the tiles: one thing in focus is enough. */
  readonly laplacianVariance: number;
  /** Shares of pixels, 0 to 1, at the ends of luma. */
  readonly highlightsClipped: number;
  readonly shadowsClipped: number;
  /** Of luma, 0 to 255. */
  readonly mean: number;
  readonly deviation: number;
  /** Hasler and Suesstrunk 2003: 0 grey, 15 slightly, 60 quite, 110 extremely colourful. */
  readonly colourfulness: number;
  /** Standard deviation of noise in luma levels (Immerkaer 1996), in the calmest quarter of the tiles. */
  readonly noiseSigma: number;
}

const TILE_PIXELS = 32;
/** Tiles that are all black or all white hold no noise and would hide it. */
const TILE_MEAN_MIN = 8;
const TILE_MEAN_MAX = 247;
const HIGHLIGHT = 250;
const SHADOW = 5;

/** @param proxy the picture at about 512 px: features depend on the scale */
export function featuresOf(proxy: RawPicture): Features {
  const luma = lumaOf(proxy);
  const tiles = tilesOf(luma, proxy.width, proxy.height);
  const calm = tiles.filter(({ mean }) => mean > TILE_MEAN_MIN && mean < TILE_MEAN_MAX);
  return {
    laplacianVariance: quantile(
      tiles.map((tile) => tile.laplacianVariance),
      0.9,
    ),
    noiseSigma: quantile(
      calm.map((tile) => tile.noiseSigma),
      0.25,
    ),
    colourfulness: colourfulnessOf(proxy.pixels),
    ...toneOf(luma),
  };
}

function lumaOf({ pixels, width, height }: RawPicture): Float32Array {
  const luma = new Float32Array(width * height);
  for (let pixel = 0, at = 0; pixel < luma.length; pixel++, at += 3) {
    luma[pixel] =
      0.299 * (pixels[at] as number) +
      0.587 * (pixels[at + 1] as number) +
      0.114 * (pixels[at + 2] as number);
  }
  return luma;
}

function toneOf(
  luma: Float32Array,
): Pick<Features, "highlightsClipped" | "shadowsClipped" | "mean" | "deviation"> {
  let sum = 0;
  let squares = 0;
  let highlights = 0;
  let shadows = 0;
  for (const value of luma) {
    sum += value;
    squares += value * value;
    if (value >= HIGHLIGHT) highlights++;
    if (value <= SHADOW) shadows++;
  }
  const mean = sum / luma.length;
  return {
    mean,
    deviation: Math.sqrt(Math.max(0, squares / luma.length - mean * mean)),
    highlightsClipped: highlights / luma.length,
    shadowsClipped: shadows / luma.length,
  };
}

function colourfulnessOf(pixels: Uint8Array): number {
  const count = pixels.length / 3;
  let sumRedGreen = 0;
  let sumYellowBlue = 0;
  let squaresRedGreen = 0;
  let squaresYellowBlue = 0;
  for (let at = 0; at < pixels.length; at += 3) {
    const red = pixels[at] as number;
    const green = pixels[at + 1] as number;
    const redGreen = red - green;
    const yellowBlue = (red + green) / 2 - (pixels[at + 2] as number);
    sumRedGreen += redGreen;
    sumYellowBlue += yellowBlue;
    squaresRedGreen += redGreen * redGreen;
    squaresYellowBlue += yellowBlue * yellowBlue;
  }
  const meanRedGreen = sumRedGreen / count;
  const meanYellowBlue = sumYellowBlue / count;
  const variance = (squaresRedGreen + squaresYellowBlue) / count - meanRedGreen ** 2 - meanYellowBlue ** 2;
  return Math.sqrt(Math.max(0, variance)) + 0.3 * Math.hypot(meanRedGreen, meanYellowBlue);
}

interface Tile {
  readonly mean: number;
  readonly laplacianVariance: number;
  readonly noiseSigma: number;
}

function tilesOf(luma: Float32Array, width: number, height: number): Tile[] {
  const tiles: Tile[] = [];
  for (let top = 1; top < height - 1; top += TILE_PIXELS) {
    for (let left = 1; left < width - 1; left += TILE_PIXELS) {
      const right = Math.min(left + TILE_PIXELS, width - 1);
      const bottom = Math.min(top + TILE_PIXELS, height - 1);
      tiles.push(tileOf(luma, width, { top, left, right, bottom }));
    }
  }
  return tiles;
}

function tileOf(
  luma: Float32Array,
  width: number,
  area: { top: number; left: number; right: number; bottom: number },
): Tile {
  let sum = 0;
  let laplacians = 0;
  let laplacianSquares = 0;
  let noise = 0;
  for (let y = area.top; y < area.bottom; y++) {
    for (let x = area.left; x < area.right; x++) {
      const at = y * width + x;
      const centre = luma[at] as number;
      const cross =
        (luma[at - 1] as number) +
        (luma[at + 1] as number) +
        (luma[at - width] as number) +
        (luma[at + width] as number);
      const corners =
        (luma[at - width - 1] as number) +
        (luma[at - width + 1] as number) +
        (luma[at + width - 1] as number) +
        (luma[at + width + 1] as number);
      const laplacian = cross - 4 * centre;
      sum += centre;
      laplacians += laplacian;
      laplacianSquares += laplacian * laplacian;
      noise += Math.abs(corners - 2 * cross + 4 * centre);
    }
  }
  const count = (area.right - area.left) * (area.bottom - area.top);
  return {
    mean: sum / count,
    laplacianVariance: laplacianSquares / count - (laplacians / count) ** 2,
    // The mask's response to noise of sigma 1 has a mean absolute value of 6 * sqrt(2 / pi).
    noiseSigma: noise / count / (6 * Math.sqrt(2 / Math.PI)),
  };
}

/** Below this a grid of 8 pixels repeats too seldom to be told from content. */
const BLOCKINESS_EDGE_MIN = 64;
/** Keeps the ratio at 1 in flat pictures, in levels of 255. */
const BLOCKINESS_FLOOR = 0.5;

/**
 * How much stronger the steps between pixels are on one line in eight than on the others, at the whole size: 1 none, 2 a
 * JPEG of quality 10. The grid may begin anywhere, as crops move it. The green channel alone tells.
 */
export function blockinessOf({ pixels, width, height }: RawPicture): number {
  if (Math.min(width, height) < BLOCKINESS_EDGE_MIN) return 1;
  const across = new Float64Array(width);
  const down = new Float64Array(height);
  const stride = width * 3;
  for (let y = 1; y < height; y++) {
    let at = y * stride + 4;
    let downSum = 0;
    for (let x = 1; x < width; x++, at += 3) {
      const value = pixels[at] as number;
      const acrossStep = value - (pixels[at - 3] as number);
      const downStep = value - (pixels[at - stride] as number);
      across[x] = (across[x] as number) + (acrossStep < 0 ? -acrossStep : acrossStep);
      downSum += downStep < 0 ? -downStep : downStep;
    }
    down[y] = downSum;
  }
  // Blocks have both: what shows in one direction only is the subject.
  return Math.min(gridRatio(across, height), gridRatio(down, width));
}

/** By medians: a grid is on every eighth line, an edge of the subject on a few that may happen to be among them. */
function gridRatio(lines: Float64Array, pixelsPerLine: number): number {
  const phases = Array.from({ length: 8 }, (_, phase) => {
    const steps = Array.from(lines.subarray(1)).filter((_step, line) => (line + 1) % 8 === phase);
    return quantile(steps, 0.5) / pixelsPerLine + BLOCKINESS_FLOOR;
  });
  const strongest = Math.max(...phases);
  const others = (phases.reduce((sum, phase) => sum + phase, 0) - strongest) / 7;
  return strongest / others;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
