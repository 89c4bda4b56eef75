/** @module Opens what a provider delivered: checked, decoded once, used for everything. */
import type { Imaging, OpenPicture, ProvenanceSigner } from "@atelier/core/ports";
import sharp from "sharp";
import { markedOriginal } from "./c2pa-parent.ts";
import { develop } from "./develop.ts";
import { checkFile, checkHeader, PIXELS_MAX, undecodable } from "./limits.ts";
import { markMatches, readMark } from "./mark.ts";
import { measure } from "./measure.ts";
import { decode } from "./raw.ts";

/**
 * @param concurrency threads that one sharp operation may use, from 1; sharp keeps this number, and the absence of
 * its cache (every picture is seen once), for the whole process
 * @param signer signs every rendition; default none, then files say by XMP alone where they come from
 */
export function createImaging({
  concurrency,
  signer = null,
}: {
  concurrency: number;
  signer?: ProvenanceSigner | null;
}): Imaging {
  sharp.concurrency(concurrency);
  sharp.cache(false);
  return { open: (bytes) => open(bytes, signer) };
}

async function open(bytes: Uint8Array, signer: ProvenanceSigner | null): Promise<OpenPicture> {
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
  const mark = format === "png" ? readMark(bytes) : null;
  const original = markedOriginal(bytes, format);
  return {
    ...raw,
    format,
    markedBy: (key) => markMatches(mark, raw, key),
    measure: () => measure(raw),
    develop: (recipe, provenance) => develop(raw, recipe, provenance, { signer, original }),
  };
}
