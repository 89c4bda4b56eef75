/** @module Decodes what a provider delivered once it has proved to be one whole picture within the limits. */
import sharp from "sharp";
import { checkFile, checkHeader, PIXELS_MAX, type PictureFormat, undecodable } from "./limits.ts";
import { decode, type RawPicture } from "./raw.ts";

/** @throws AtelierError `OutputInvalid` for anything else */
export async function decodeWhole(bytes: Uint8Array): Promise<{ raw: RawPicture; format: PictureFormat }> {
  const format = checkFile(bytes);
  const header = await sharp(bytes, { limitInputPixels: false })
    .metadata()
    .catch((cause: unknown) => {
      throw undecodable(format, cause);
    });
  checkHeader(header);
  const raw = await decode(bytes, PIXELS_MAX).catch((cause: unknown) => {
    throw undecodable(format, cause);
  });
  return { raw, format };
}
