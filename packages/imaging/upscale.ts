/**
 * @module Enlarges by resampling, with Lanczos' kernel of three lobes: nothing is added that was not there. By hand, because
 * libvips has that kernel for making smaller only and enlarges by the softer bicubic one.
 */
import type { RawPicture } from "./raw.ts";

const LOBES = 3;
const TAPS = 2 * LOBES;

/** @param factor how many times wider and higher; 1 gives the picture itself */
export function upscaled(raw: RawPicture, factor: 1 | 2 | 4): RawPicture {
  if (factor === 1) return raw;
  const { height } = raw;
  const width = raw.width * factor;
  const phases = Array.from({ length: factor }, (_, phase) => phaseOf(phase, factor));
  const pixels = Buffer.allocUnsafe(width * height * factor * 3);
  // Rows that are wide already; each serves the rows of the result that lie within three of it.
  const rows = new Map<number, Float32Array>();
  const rowAt = (wanted: number): Float32Array => {
    const y = Math.min(height - 1, Math.max(0, wanted));
    const known = rows.get(y);
    if (known) return known;
    const row = widened(raw, y, phases);
    rows.set(y, row);
    return row;
  };
  for (let y = 0; y < height; y++) {
    rows.delete(y - LOBES - 1);
    for (const [phase, { first, weights }] of phases.entries()) {
      const taps = weights.map((_, tap) => rowAt(y + first + tap));
      blend(taps, weights, pixels.subarray((y * factor + phase) * width * 3));
    }
  }
  return { width, height: height * factor, pixels };
}

interface Phase {
  /** The first of the samples that count, from the sample that the result lies in. */
  readonly first: number;
  /** Their sum is one. */
  readonly weights: readonly number[];
}

/** The result's pixels of one phase lie at the same place between the samples: their weights are the same. */
function phaseOf(phase: number, factor: number): Phase {
  const centre = (phase + 0.5) / factor - 0.5;
  const first = Math.floor(centre) - LOBES + 1;
  const weights = Array.from({ length: TAPS }, (_, tap) => lanczos(first + tap - centre));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return { first, weights: weights.map((weight) => weight / sum) };
}

/** sinc(x) * sinc(x / 3) within three lobes. */
function lanczos(distance: number): number {
  if (distance === 0) return 1;
  if (Math.abs(distance) >= LOBES) return 0;
  const angle = Math.PI * distance;
  return (LOBES * Math.sin(angle) * Math.sin(angle / LOBES)) / (angle * angle);
}

function widened({ width, pixels }: RawPicture, y: number, phases: readonly Phase[]): Float32Array {
  const row = new Float32Array(width * phases.length * 3);
  const start = y * width * 3;
  let at = 0;
  for (let x = 0; x < width; x++) {
    for (const { first, weights } of phases) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let tap = 0; tap < TAPS; tap++) {
        const weight = weights[tap] as number;
        const from = start + Math.min(width - 1, Math.max(0, x + first + tap)) * 3;
        red += weight * (pixels[from] as number);
        green += weight * (pixels[from + 1] as number);
        blue += weight * (pixels[from + 2] as number);
      }
      row[at++] = red;
      row[at++] = green;
      row[at++] = blue;
    }
  }
  return row;
}

function blend(taps: readonly Float32Array[], weights: readonly number[], into: Uint8Array): void {
  const [a, b, c, d, e, f] = taps as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const [wa, wb, wc, wd, we, wf] = weights as [number, number, number, number, number, number];
  for (let at = 0; at < a.length; at++) {
    const value =
      wa * (a[at] as number) +
      wb * (b[at] as number) +
      wc * (c[at] as number) +
      wd * (d[at] as number) +
      we * (e[at] as number) +
      wf * (f[at] as number);
    into[at] = value <= 0 ? 0 : value >= 255 ? 255 : value + 0.5;
  }
}
