/** @module What developing is measured against: the encoders alone, and one plain sharp call a rendition. For benchmarks. */
import type { Recipe } from "@atelier/core/pictures";
import sharp from "sharp";
import { enhance } from "./enhance.ts";
import { decode, type RawPicture, resized, sizeWithin } from "./raw.ts";
import { encode } from "./renditions.ts";

/** A PNG as a model delivers it, made of a photograph. */
export function modelOutput(photo: string, edge: number): Promise<Buffer> {
  return sharp(photo).resize(edge, edge).removeAlpha().png().toBuffer();
}

/** The pixels of each rendition as developing hands them to its encoder: sharpened ones cost an encoder more. */
export async function readyPixels(input: Uint8Array, recipe: Recipe): Promise<RawPicture[]> {
  const opened = await decode(input, Number.MAX_SAFE_INTEGER);
  const whole = enhance(opened, recipe.enhance);
  return Promise.all(
    recipe.steps.map(({ edge }) => {
      const { width, height } = sizeWithin(whole, edge ?? Number.POSITIVE_INFINITY);
      return resized(whole, width, height);
    }),
  );
}

/** The floor: nothing but the encoders, with the same settings. */
export async function encodeOnly(pixels: readonly RawPicture[], recipe: Recipe, xmp: string): Promise<void> {
  for (const [index, step] of recipe.steps.entries()) {
    const raw = pixels[index];
    if (raw) await encode(raw, step, xmp);
  }
}

/** What one would write first: each rendition from the file, with sharp's own stretch and sharpening, the same encoders. */
export async function naiveRenditions(input: Uint8Array, recipe: Recipe): Promise<void> {
  for (const { edge, format, quality } of recipe.steps) {
    const picture = sharp(input).autoOrient().normalise().sharpen();
    if (edge !== null) picture.resize(edge, edge, { fit: "inside", withoutEnlargement: true });
    await (format === "jpeg"
      ? picture.jpeg({ quality, mozjpeg: true })
      : picture.webp({ quality, effort: 2 })
    ).toBuffer();
  }
}
