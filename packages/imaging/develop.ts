/** @module Develops a picture: enhanced once at its own size, enlarged where the recipe says so, then every rendition from the same raw pixels, signed last. */
import { sha256Hex } from "@atelier/core/ids";
import type {
  DevelopedRendition,
  Provenance,
  ProvenanceSigner,
  Recipe,
  RecipeStep,
} from "@atelier/core/pictures";
import { blurred } from "./blur.ts";
import { type MarkedOriginal, type Parent, parentOf } from "./c2pa-parent.ts";
import { type DevelopingAction, signRendition } from "./c2pa-sign.ts";
import { enhance } from "./enhance.ts";
import { provenanceXmp } from "./provenance.ts";
import { type RawPicture, resized, sizeWithin } from "./raw.ts";
import { encode } from "./renditions.ts";
import { upscaled } from "./upscale.ts";

export interface Signing {
  /** Null: the files say by XMP alone where they come from. */
  readonly signer: ProvenanceSigner | null;
  /** The provider's file, where it came with a manifest. */
  readonly original: MarkedOriginal | null;
}

/**
 * One after the other, in the recipe's order: two encoders at once would double the memory and save no work.
 *
 * @throws AtelierError what the signer throws; no rendition comes without its signature
 */
export async function* develop(
  raw: RawPicture,
  recipe: Recipe,
  provenance: Provenance,
  { signer, original }: Signing,
): AsyncGenerator<DevelopedRendition> {
  const xmp = provenanceXmp(provenance);
  const parent = signer && (await parentOf(original, provenance.rating));
  const sizes = [upscaled(enhance(raw, recipe.enhance), recipe.upscale ?? 1)];
  for (const step of recipe.steps) {
    const picture = await pictureOf(step, sizes);
    const encoded = await encode(picture, step, xmp);
    const { contentType } = encoded;
    const actions = actionsFor(recipe, step, raw, picture);
    const data = signer
      ? await signRendition(
          { ...encoded, actions },
          { provenance, signer, parent: step.isBlurred ? withheld(parent) : parent },
        )
      : encoded.data;
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

/** A provider's manifest may hold a small copy of the very picture. */
function withheld(parent: Parent | null): Parent | null {
  return parent && { kind: "withheld" };
}

async function pictureOf(step: RecipeStep, sizes: RawPicture[]): Promise<RawPicture> {
  if (!step.isBlurred) return atEdge(sizes, step.edge);
  const whole = sizes[0] as RawPicture;
  return blurred(whole, step.edge === null ? whole : sizeWithin(whole, step.edge));
}

function actionsFor(
  recipe: Recipe,
  step: RecipeStep,
  original: RawPicture,
  made: RawPicture,
): DevelopingAction[] {
  const isResized = made.width !== original.width || made.height !== original.height;
  return [
    ...(recipe.enhance === "none" ? [] : (["c2pa.enhanced"] as const)),
    ...(isResized ? (["c2pa.resized"] as const) : []),
    ...(step.isBlurred ? (["c2pa.filtered"] as const) : []),
    "c2pa.transcoded",
  ];
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
