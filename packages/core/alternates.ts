/** @module Originals, and pictures that are paid for although another was chosen or the image has ended: kept beside it, and booked. */
import type { Attempt } from "./attempt.ts";
import type { Image, StoredOutput, Verdict } from "./image.ts";
import { originalKey } from "./manifest.ts";
import type { Attempts, Blobs, Images } from "./ports.ts";

/** What was rejected, or may show a minor, stays where it arrived: no copy, no backup. */
export function mayBeCopied(verdict: Verdict | null): boolean {
  return verdict === null || (verdict.decision !== "rejected" && !verdict.sealed);
}

/** Moves outputs from where they arrived to where originals stay; again is a success. */
export async function promote(
  image: Image,
  stored: readonly StoredOutput[],
  blobs: Pick<Blobs, "copy">,
): Promise<StoredOutput[]> {
  const originals: StoredOutput[] = [];
  for (const output of stored) {
    const head = await blobs.copy(output.key, originalKey(image, output.key));
    originals.push({ ...output, key: head.key });
  }
  return originals;
}

/** Notes originals of an attempt that was not chosen, and what the image has cost by now. */
export async function keepAsAlternates(
  image: Image,
  originals: readonly StoredOutput[],
  deps: { readonly images: Pick<Images, "patch">; readonly attempts: Pick<Attempts, "ofImage"> },
): Promise<void> {
  const known = new Set(image.originals.map((original) => original.key));
  await deps.images.patch(image.imageId, {
    set: {
      originals: [...image.originals, ...originals.filter((original) => !known.has(original.key))],
      costMicros: await costOf(image.imageId, deps.attempts),
    },
    when: [
      image.chosenAttemptId === null
        ? { field: "chosenAttemptId", is: "absent" }
        : { field: "chosenAttemptId", is: "equals", value: image.chosenAttemptId },
    ],
  });
}

/** What an attempt of an image that has ended has delivered, if anything: its files, and what it cost. */
export async function fileAfterEnd(
  image: Image,
  attempt: Pick<Attempt, "stored">,
  deps: Parameters<typeof keepAsAlternates>[2] & { readonly blobs: Pick<Blobs, "copy"> },
): Promise<void> {
  const originals =
    attempt.stored.length > 0 && mayBeCopied(image.verdict)
      ? await promote(image, attempt.stored, deps.blobs)
      : [];
  await keepAsAlternates(image, originals, deps);
}

/** Everything that was charged for an image, all attempts and corrections together. */
export async function costOf(imageId: string, attempts: Pick<Attempts, "ofImage">): Promise<number> {
  let costMicros = 0;
  for (const attempt of await attempts.ofImage(imageId)) {
    costMicros += (attempt.settledMicros ?? 0) + (attempt.correctionMicros ?? 0);
  }
  return costMicros;
}
