/** @module The recipe of every picture, as data: apart from what encodes, for those that only name it. */
import type { Recipe } from "@atelier/core/pictures";

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
