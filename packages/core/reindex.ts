/** @module Images of earlier releases, made findable by what they say; in portions, by whoever has time. */
import type { Images } from "./ports.ts";

/** About a thousand writes. */
const PORTION = 40;

/** Goes on until all are, or until it is told to stop; calling it again goes on where it was. */
export async function reindex(images: Pick<Images, "indexEarlier">, stop: AbortSignal): Promise<void> {
  while (!stop.aborted && (await images.indexEarlier(PORTION)) > 0);
}
