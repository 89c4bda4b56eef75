/** @module The recipes, as data, and how a rendition is encoded. */
import type { Recipe, RecipeStep } from "@atelier/core/pictures";
import { type RawPicture, sharpOf } from "./raw.ts";

/** The files that every picture gets. Change the name with the steps: manifests keep it. */
export const DEFAULT_RECIPE: Recipe = {
  name: "standard-2",
  enhance: "standard",
  steps: [
    { rendition: "full", format: "jpeg", edge: null, quality: 85 },
    { rendition: "web", format: "webp", edge: 1024, quality: 82 },
    { rendition: "preview", format: "webp", edge: 512, quality: 80 },
    { rendition: "thumbnail", format: "webp", edge: 256, quality: 76 },
    { rendition: "blurred", format: "webp", edge: 256, quality: 60, isBlurred: true },
  ],
};

/** libwebp's 0 to 6: from 2 on, each step costs much time for few bytes. */
const WEBP_EFFORT = 2;

/** Encodes as it is; no metadata but the packet. */
export async function encode(
  raw: RawPicture,
  step: Pick<RecipeStep, "format" | "quality">,
  xmp: string,
): Promise<{ data: Buffer; contentType: string }> {
  const picture = sharpOf(raw).withXmp(xmp);
  switch (step.format) {
    case "jpeg":
      return {
        data: await picture.jpeg({ quality: step.quality, mozjpeg: true }).toBuffer(),
        contentType: "image/jpeg",
      };
    case "webp":
      return {
        data: await picture.webp({ quality: step.quality, effort: WEBP_EFFORT }).toBuffer(),
        contentType: "image/webp",
      };
  }
}
