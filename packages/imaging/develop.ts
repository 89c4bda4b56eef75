/** @module Develops a picture: enhanced once at its own size, then every rendition from the same raw pixels. */
import { sha256Hex } from "@atelier/core/ids";
import type { DevelopedRendition, Provenance, Recipe } from "@atelier/core/ports";
import { enhance } from "./enhance.ts";
import { provenanceXmp } from "./provenance.ts";
import { type RawPicture, resized, sizeWithin } from "./raw.ts";
import { encode } from "./renditions.ts";

/** One after the other, in the recipe's order: two encoders at once would double the memory and save no work. */
export async function* develop(
  raw: RawPicture,
  recipe: Recipe,
  provenance: Provenance,
): AsyncGenerator<DevelopedRendition> {
  const xmp = provenanceXmp(provenance);
  const sizes = [recipe.enhance ? enhance(raw) : raw];
  for (const step of recipe.steps) {
    const picture = await atEdge(sizes, step.edge);
    const { data, contentType } = await encode(picture, step, xmp);
    yield {
      name: step.rendition,
      width: picture.width,
      height: picture.height,
      bytes: data.length,
      sha256: sha256Hex(data),
      contentType,
      data,
    };
  }
}

/** A size is made once, from the smallest that has at least twice its edge (or from the whole), and kept for the next. */
async function atEdge(sizes: RawPicture[], edge: number | null): Promise<RawPicture> {
  const whole = sizes[0] as RawPicture;
  const { width, height } = edge === null ? whole : sizeWithin(whole, edge);
  const same = sizes.find((size) => size.width === width && size.height === height);
  if (same) return same;
  const longest = Math.max(width, height);
  const source = sizes
    .filter((size) => Math.max(size.width, size.height) >= 2 * longest)
    .reduce((smallest, size) => (size.width < smallest.width ? size : smallest), whole);
  const made = await resized(source, width, height);
  sizes.push(made);
  return made;
}
