/**
 * @module The technical quality of a picture, 0 to 100: the worst of six parts, each a feature mapped by a curve. Defects,
 * not beauty, and not validated against people.
 */
import type { QualityParts } from "@atelier/core/image";
import type { Measurement } from "@atelier/core/pictures";
import { dominantColours } from "./colours.ts";
import { blockinessOf, type Features, featuresOf } from "./features.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { type RawPicture, resized, sizeWithin } from "./raw.ts";

const PROXY_EDGE_PIXELS = 512;

export async function measure(raw: RawPicture): Promise<Measurement> {
  const { width, height } = sizeWithin(raw, PROXY_EDGE_PIXELS);
  const proxy = await resized(raw, width, height);
  const parts = partsOf(featuresOf(proxy), blockinessOf(raw));
  return {
    quality: Math.min(...Object.values(parts)),
    parts,
    fingerprint: await fingerprintOf(proxy),
    colours: await dominantColours(proxy),
  };
}

/** Points of (feature, score); straight between them, flat beyond. */
type Curve = readonly (readonly [feature: number, score: number])[];

const CURVES = {
  /** Both ends are faults: blur below, over-sharpening and noise far above. On log10 of the variance. */
  sharpness: [
    [0.5, 0],
    [1.5, 25],
    [2.2, 60],
    [2.9, 100],
    [4.0, 100],
    [4.6, 50],
  ],
  /** A white background is no fault by itself; half a picture burnt out is. */
  highlights: [
    [0.1, 100],
    [0.3, 60],
    [0.7, 20],
    [1, 0],
  ],
  /** Night and low key are chosen more often than burnt-out light is. */
  shadows: [
    [0.35, 100],
    [0.7, 60],
    [0.95, 20],
    [1, 0],
  ],
  mean: [
    [4, 0],
    [25, 60],
    [55, 100],
    [195, 100],
    [230, 60],
    [252, 0],
  ],
  contrast: [
    [3, 0],
    [15, 45],
    [35, 100],
    [95, 100],
    [125, 60],
  ],
  /** Grey is a choice: monochrome keeps 60 and can be the best of its kind. Neon is cut. */
  colourfulness: [
    [0, 60],
    [12, 100],
    [120, 100],
    [190, 40],
  ],
  noise: [
    [2.5, 100],
    [5, 60],
    [12, 10],
    [20, 0],
  ],
  blockiness: [
    [1.15, 100],
    [1.5, 55],
    [2.2, 15],
    [3.5, 0],
  ],
} as const satisfies Record<string, Curve>;

/** Judges raw features; each part 0 to 100, whole numbers. */
export function partsOf(features: Features, blockiness: number): QualityParts {
  return {
    sharpness: scored(CURVES.sharpness, Math.log10(Math.max(1, features.laplacianVariance))),
    exposure: Math.min(
      scored(CURVES.highlights, features.highlightsClipped),
      scored(CURVES.shadows, features.shadowsClipped),
      scored(CURVES.mean, features.mean),
    ),
    contrast: scored(CURVES.contrast, features.deviation),
    colourfulness: scored(CURVES.colourfulness, features.colourfulness),
    noise: scored(CURVES.noise, features.noiseSigma),
    blockiness: scored(CURVES.blockiness, blockiness),
  };
}

function scored(curve: Curve, feature: number): number {
  const after = curve.findIndex(([at]) => feature < at);
  const [fromAt, fromScore] = curve.at(after === 0 ? 0 : after === -1 ? -1 : after - 1) ?? [0, 0];
  const [toAt, toScore] = curve.at(after) ?? [0, 0];
  if (after <= 0) return toScore;
  return Math.round(fromScore + ((feature - fromAt) / (toAt - fromAt)) * (toScore - fromScore));
}
