/** @module A picture of which nothing can be made out: it stands in lists where the picture itself may not be shown. */
import { type RawPicture, resized, sharpOf, sizeWithin } from "./raw.ts";

/** All that is left of the picture are so many colours along its longest edge; whatever is done later brings no more back. */
export const BLUR_EDGE_PIXELS = 12;

/** Softens the borders between the colours. */
const SOFTENING_OF_EDGE = 1 / 40;

/**
 * @param size of the result, in proportion to the picture
 */
export async function blurred(
  raw: RawPicture,
  { width, height }: { readonly width: number; readonly height: number },
): Promise<RawPicture> {
  const few = sizeWithin(raw, BLUR_EDGE_PIXELS);
  const colours = await resized(raw, few.width, few.height);
  const pixels = await sharpOf(colours)
    .resize(width, height, { fit: "fill", kernel: "cubic" })
    .blur(Math.max(1, Math.max(width, height) * SOFTENING_OF_EDGE))
    .raw()
    .toBuffer();
  return { width, height, pixels };
}
