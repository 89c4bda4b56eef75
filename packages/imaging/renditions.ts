/** @module How a rendition is encoded. */
import type { RecipeStep } from "@atelier/core/pictures";
import { type RawPicture, sharpOf } from "./raw.ts";

export { DEFAULT_RECIPE } from "./recipe.ts";

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
