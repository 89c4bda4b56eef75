/**
 * @module Cancelling: nothing more is bought, jobs that run are stopped as far as their provider can, and what was charged all
 * the same is settled by whoever learns it (webhook, reconciler). A picture that comes after all is kept as an alternate.
 */

import { fileAfterEnd } from "./alternates.ts";
import { type AnnounceDeps, announceEnd } from "./announce.ts";
import type { Attempt } from "./attempt.ts";
import { audited } from "./audit.ts";
import { isAtelierError } from "./errors.ts";
import { type Image, isTerminal, OPEN_STATUSES } from "./image.ts";
import { type KeepOutputsDeps, keepOutputs } from "./keep-outputs.ts";
import { type LedgerDeps, settle } from "./ledger.ts";
import { chargeOf } from "./outcome.ts";
import type { Images, Requests } from "./ports.ts";
import type { ImageRequest, Part } from "./request.ts";
import { PARTS_AT_ONCE } from "./start.ts";
import { cancelledFields } from "./workflow/cancelled-request.ts";
import { releaseUnsent } from "./workflow/steps/abandon.ts";

export interface CancelDeps extends AnnounceDeps, LedgerDeps, KeepOutputsDeps {
  readonly attempts: LedgerDeps["attempts"];
  readonly images: Images;
  readonly requests: Pick<Requests, "get" | "patch" | "parts">;
}

export interface CancelReport {
  /** Images that were cancelled here. */
  readonly cancelled: readonly Image[];
  /** Attempts whose job may still run at its provider, which may still charge for it. */
  readonly running: readonly Attempt[];
}

/** Whoever cancels is answered within this and the time of one image; what is left then the reconciler goes on with. */
export const CANCEL_WALK_MS = 5_000;

/** Images that are cancelled at once: each takes a handful of writes, one after the other. */
const CANCELS_AT_ONCE = 20;

/**
 * Cancels a whole request: parts that are not begun never are. The mark on the request comes first: from then on nothing is held or
 * sent, a part that is planned meanwhile sees it, or its images are seen here. What does not get its turn within `CANCEL_WALK_MS`
 * is cancelled by the steps that come to it and by the reconciler.
 *
 * @throws AtelierError `StorageUnavailable`; calling it again goes on
 */
export async function cancelRequest(request: ImageRequest, deps: CancelDeps): Promise<CancelReport> {
  const marked = await deps.requests.patch(request.requestId, {
    set: { cancelledAtMs: deps.clock() },
    when: [{ field: "cancelledAtMs", is: "absent" }],
  });
  if (marked.ok) {
    await audited({ subject: request.requestId, kind: "cancelled", phase: "done", facts: {} }, deps);
  }
  // A part is closed when all of its images have ended and their jobs have been told.
  const open = (await deps.requests.parts.ofRequest(request.requestId)).filter((part) => part.open);
  const isDone = (attempt: Attempt) => attempt.settledMicros !== null;
  return cancelParts(open, { untilMs: deps.clock() + CANCEL_WALK_MS, isDone }, deps);
}

/** Goes on with a part of a request that was cancelled: jobs that were told to stop are not told again. */
export function goOnCancelling(part: Part, untilMs: number, deps: CancelDeps): Promise<CancelReport> {
  const isDone = (attempt: Attempt) => attempt.settledMicros !== null || attempt.cancelledAtMs !== null;
  return cancelParts([part], { untilMs, isDone }, deps);
}

interface Walk {
  /** No image is begun from then on. */
  readonly untilMs: number;
  /** An attempt of a cancelled image about which nothing is left to do. */
  readonly isDone: (attempt: Attempt) => boolean;
}

/** @throws the first error, when every image has had its turn */
async function cancelParts(parts: readonly Part[], walk: Walk, deps: CancelDeps): Promise<CancelReport> {
  const reports: CancelReport[] = [];
  const failures: unknown[] = [];
  for (let from = 0; from < parts.length && deps.clock() < walk.untilMs; from += PARTS_AT_ONCE) {
    const read = parts
      .slice(from, from + PARTS_AT_ONCE)
      .map((part) => deps.images.ofPart(part.requestId, part.part));
    const images = (await Promise.all(read)).flat().sort((one, other) => urgencyOf(one) - urgencyOf(other));
    const turns = images.values();
    const takeTurns = async () => {
      for (const image of turns) {
        if (deps.clock() >= walk.untilMs) return;
        await cancelOrPass(image, walk, deps).then(
          (report) => reports.push(report),
          (error) => failures.push(error),
        );
      }
    };
    await Promise.all(Array.from({ length: CANCELS_AT_ONCE }, takeTurns));
    if (failures.length > 0) throw failures[0];
  }
  return {
    cancelled: reports.flatMap(({ cancelled }) => cancelled).sort((one, other) => one.index - other.index),
    running: reports.flatMap(({ running }) => running),
  };
}

/** What may cost money comes first; what has not begun costs none while it waits. */
function urgencyOf({ status }: Image): number {
  if (status === "cancelled") return 2;
  return status === "planned" ? 1 : 0;
}

async function cancelOrPass(image: Image, { isDone }: Walk, deps: CancelDeps): Promise<CancelReport> {
  if (image.status === "cancelled") {
    const attempts = await deps.attempts.ofImage(image.imageId);
    if (attempts.every(isDone)) return { cancelled: [], running: attempts.filter(({ outcome }) => !outcome) };
  }
  return cancelImage(image, deps);
}

/** Cancels one image; one that has ended stays as it is. */
export async function cancelImage(image: Image, deps: CancelDeps): Promise<CancelReport> {
  // One that was cancelled before is gone through again: whoever did may have died before its jobs were told.
  if (isTerminal(image.status) && image.status !== "cancelled") return { cancelled: [], running: [] };
  const patched = await deps.images.patch(image.imageId, {
    set: cancelledFields(deps.clock()),
    when: [{ field: "status", is: "one-of", values: OPEN_STATUSES }],
  });
  if (patched.record?.status !== "cancelled") return { cancelled: [], running: [] };
  const running: Attempt[] = [];
  for (const attempt of await deps.attempts.ofImage(image.imageId)) {
    if (await mayRun(attempt, patched.record, deps)) running.push(attempt);
  }
  const cancelled = (await deps.images.get(image.imageId)) ?? patched.record;
  await announceEnd(cancelled, deps);
  return { cancelled: patched.ok ? [cancelled] : [], running };
}

/** Releases what was not sent, files and books what has ended, stops what runs; true when a charge may still come. */
async function mayRun(attempt: Attempt, image: Image, deps: CancelDeps): Promise<boolean> {
  const ended = attempt.state === "held" ? await releaseUnsent(attempt, deps) : attempt;
  if (ended.outcome) {
    await keepQuietly(ended, deps);
    const settled = await settle(ended.attemptId, chargeOf(ended, ended.outcome), deps);
    await fileAfterEnd(image, settled, deps);
    return false;
  }
  await deps.attempts.patch(ended.attemptId, {
    set: { cancelledAtMs: deps.clock() },
    when: [{ field: "cancelledAtMs", is: "absent" }],
  });
  const provider = deps.providerOf(ended.provider);
  const operation = ended.operation ?? provider?.operationOf?.(ended.attemptId) ?? null;
  if (operation !== null && provider?.cancel) {
    try {
      await provider.cancel(operation);
    } catch (error) {
      // It runs on until its own deadline; the hold stays until somebody learns how it ended.
      if (!isAtelierError(error)) throw error;
    }
  }
  return true;
}

/** A picture that is there is kept before it is booked: nobody looks after it any more once it is. */
async function keepQuietly(attempt: Attempt, deps: CancelDeps): Promise<void> {
  if (attempt.outcome?.kind !== "succeeded") return;
  try {
    await keepOutputs(attempt, deps);
  } catch (error) {
    if (!isAtelierError(error) || error.name.startsWith("Storage")) throw error;
  }
}
