/**
 * @module record: settles the attempt, promotes the originals and completes the image. Money first: whatever happens
 * after, what was charged stands in the ledger.
 */
import * as z from "zod";
import { costOf, keepAsAlternates, mayBeCopied, promote } from "../../alternates.ts";
import { type AnnounceDeps, announceEnd } from "../../announce.ts";
import type { Attempt } from "../../attempt.ts";
import { nearestDuplicate } from "../../fingerprint.ts";
import { type Image, type ImageStatus, isTerminal, OPEN_STATUSES, type StoredOutput } from "../../image.ts";
import { bookCharge, type LedgerDeps } from "../../ledger.ts";
import type { Manifest } from "../../manifest.ts";
import { chargeOf } from "../../outcome.ts";
import type { Blobs, Images } from "../../ports.ts";
import { openRemoval, type Reviews } from "../../review.ts";
import { attemptInputSchema, ownedAttempt, ownedImage, superseded } from "../ownership.ts";
import { readManifest } from "./process.ts";

export const recordInputSchema = attemptInputSchema.extend({ manifestKey: z.string() });
export type RecordInput = z.infer<typeof recordInputSchema>;

/** How many of the category's newest pictures a new one is compared with. */
export const DUPLICATE_WINDOW = 500;

export interface RecordDeps extends AnnounceDeps, LedgerDeps {
  readonly images: Images;
  readonly blobs: Blobs;
  /**
   * Where the removal of a picture that was removed before is noted, for whoever finishes reviews. Left out: its bytes stay
   * under incoming/ until they expire.
   */
  readonly reviews?: Pick<Reviews, "putIfAbsent">;
}

const STATUS_OF_DECISION = {
  released: "completed",
  quarantined: "quarantined",
  rejected: "rejected",
} as const;

export async function record(input: RecordInput, deps: RecordDeps): Promise<void> {
  const image = await ownedImage(input, deps.images);
  const attempt = await ownedAttempt(input, deps.attempts);
  const manifest = await readManifest(input.manifestKey, deps.blobs);

  // If it was booked otherwise before (an outcome given up as unknown), the difference is booked.
  if (attempt.outcome)
    await bookCharge(attempt.attemptId, chargeOf(attempt, attempt.outcome), deps, manifest.quality);
  // The quarters of a grid are the manifest's; it may be another attempt's that was quicker.
  const outputs =
    manifest.attemptId === attempt.attemptId ? [manifest.chosen, ...manifest.alternates] : attempt.stored;
  const isTerminated = isTerminal(image.status) && image.chosenAttemptId !== attempt.attemptId;
  const originals = mayBeCopied(isTerminated ? image.verdict : manifest.verdict)
    ? await promote(image, outputs, deps.blobs)
    : outputs;
  const costMicros = await costOf(image.imageId, deps.attempts);
  if (isTerminated) {
    return keepAsAlternates(image, originals, deps);
  }

  const others = await deps.images.fingerprints(image.category, image.imageId, DUPLICATE_WINDOW);
  const finishedAtMs = deps.clock();
  const completed = completion(image, attempt, manifest, input.manifestKey, originals);
  // Before the image is terminal: nobody comes back to index one that is.
  await Promise.all([
    deps.images.index({ ...image, ...completed }, image),
    manifest.verdict.decision === "rejected" || manifest.fingerprint === null
      ? undefined
      : deps.images.indexFingerprint(image, manifest.fingerprint),
  ]);
  const patched = await deps.images.patch(image.imageId, {
    set: {
      ...completed,
      duplicateOf: manifest.fingerprint && (nearestDuplicate(manifest.fingerprint, others)?.imageId ?? null),
      costMicros,
      processingMs: finishedAtMs - (attempt.submittingAtMs ?? attempt.createdAtMs),
      finishedAtMs,
    },
    when: [
      { field: "generation", is: "equals", value: input.generation },
      { field: "status", is: "one-of", values: OPEN_STATUSES },
    ],
  });
  const recorded = patched.record;
  if (!recorded || recorded.generation !== input.generation) throw superseded(image.imageId);
  if (recorded.chosenAttemptId !== attempt.attemptId) return keepAsAlternates(recorded, originals, deps);

  // A repeated call comes here too: everything below is idempotent.
  await announceEnd(recorded, deps);
  if (recorded.verdict?.basis === "known-picture" && deps.reviews) {
    await openRemoval(recorded, { reviews: deps.reviews });
  }
}

/** Tags of the template and its slots come first, the picture's own colours after them. */
function completion(
  image: Image,
  attempt: Attempt,
  manifest: Manifest,
  manifestKey: string,
  originals: StoredOutput[],
): Partial<Image> {
  const status: ImageStatus = STATUS_OF_DECISION[manifest.verdict.decision];
  return {
    status,
    chosenAttemptId: attempt.attemptId,
    model: attempt.model,
    provider: attempt.provider,
    sentSeed: attempt.seed,
    quality: manifest.quality,
    qualityParts: manifest.qualityParts,
    fingerprint: manifest.fingerprint,
    verdict: manifest.verdict,
    version: manifest.version,
    manifestKey,
    renditions: manifest.renditions,
    originals,
    tags: [...new Set([...image.tags, ...manifest.colours])],
    failure:
      status === "rejected"
        ? { name: "ContentRejected", message: manifest.verdict.reason, rule: "verdict" }
        : null,
  };
}
