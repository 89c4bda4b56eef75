/** @module A small JPEG of a picture, for a service that looks at it. */
import { type RawPicture, sharpOf, sizeWithin } from "./raw.ts";

/** Fine enough for a classifier, and at 1024 pixels well below the megabytes that services take. */
const QUALITY = 90;

/** @param edgePixels the longest edge at most; never enlarged */
export function proxyJpeg(raw: RawPicture, edgePixels: number): Promise<Uint8Array> {
  const { width, height } = sizeWithin(raw, edgePixels);
  return sharpOf(raw).resize(width, height, { fit: "fill" }).jpeg({ quality: QUALITY }).toBuffer();
}
