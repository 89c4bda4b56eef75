/** @module Raw pixels: 8-bit RGB, rows from the top, no padding; and the one way to decode and to scale them. */
import sharp, { type Sharp } from "sharp";

export interface RawPicture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

export function sharpOf(raw: RawPicture): Sharp {
  return sharp(raw.pixels, { raw: { width: raw.width, height: raw.height, channels: 3 } });
}

/** Decodes to sRGB: upright as EXIF says, colours converted by the embedded profile, transparency put on white. */
export async function decode(input: Uint8Array, pixelsMax: number): Promise<RawPicture> {
  const { data, info } = await sharp(input, {
    failOn: "warning",
    limitInputPixels: pixelsMax,
    autoOrient: true,
  })
    .flatten({ background: "#ffffff" })
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, pixels: data };
}

/** Exactly this size; the caller keeps the proportions. */
export async function resized(raw: RawPicture, width: number, height: number): Promise<RawPicture> {
  if (width === raw.width && height === raw.height) return raw;
  const pixels = await sharpOf(raw).resize(width, height, { fit: "fill" }).raw().toBuffer();
  return { width, height, pixels };
}

/** The size with a longest edge of at most `edge`, in proportion; never larger than it is. */
export function sizeWithin(
  size: { width: number; height: number },
  edge: number,
): { width: number; height: number } {
  const factor = Math.min(1, edge / Math.max(size.width, size.height));
  return {
    width: Math.max(1, Math.round(size.width * factor)),
    height: Math.max(1, Math.round(size.height * factor)),
  };
}
