/** @module Opens what a provider delivered: checked, decoded once, used for everything. */
import type { Imaging, OpenPicture, ProvenanceSigner } from "@atelier/core/pictures";
import sharp from "sharp";
import { markedOriginal } from "./c2pa-parent.ts";
import { develop } from "./develop.ts";
import { markMatches, readMark } from "./mark.ts";
import { measure } from "./measure.ts";
import { proxyJpeg } from "./proxy-jpeg.ts";
import { quarters } from "./quarters.ts";
import { decodeWhole } from "./whole.ts";

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
  return { open: (bytes) => open(bytes, signer), quarters };
}

async function open(bytes: Uint8Array, signer: ProvenanceSigner | null): Promise<OpenPicture> {
  const { raw, format } = await decodeWhole(bytes);
  const mark = format === "png" ? readMark(bytes) : null;
  const original = markedOriginal(bytes, format);
  return {
    ...raw,
    format,
    markedBy: (key) => markMatches(mark, raw, key),
    measure: () => measure(raw),
    proxyJpeg: (edgePixels) => proxyJpeg(raw, edgePixels),
    develop: (recipe, provenance) => develop(raw, recipe, provenance, { signer, original }),
  };
}
