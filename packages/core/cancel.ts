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
import type { ImageRequest } from "./request.ts";
import { releaseUnsent } from "./workflow/steps/abandon.ts";

export interface CancelDeps extends AnnounceDeps, LedgerDeps, KeepOutputsDeps {
  readonly attempts: LedgerDeps["attempts"];
  readonly images: Images;
  readonly requests: Pick<Requests, "get" | "patch" | "parts">;
}

export interface CancelReport {
  /** Images that are cancelled now. */
  readonly cancelled: readonly Image[];
  /** Attempts whose job may still run at its provider, which may still charge for it. */
  readonly running: readonly Attempt[];
}

/**
 * Cancels a whole request, part by part: those that are not begun never are. The mark on the request comes first: a part that is
 * planned meanwhile sees it, or its images are seen here.
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
  const cancelled: Image[] = [];
  const running: Attempt[] = [];
  for (const { part, ended } of await deps.requests.parts.ofRequest(request.requestId)) {
    // Of a part that has ended only those may be left whose cancelling was cut off.
    if (ended && !ended.counts.cancelled) continue;
    for (const image of await deps.images.ofPart(request.requestId, part)) {
      const report = await cancelImage(image, deps);
      cancelled.push(...report.cancelled);
      running.push(...report.running);
    }
  }
  return { cancelled, running };
}

/** Cancels one image; one that has ended stays as it is. */
export async function cancelImage(image: Image, deps: CancelDeps): Promise<CancelReport> {
  // One that was cancelled before is gone through again: whoever did may have died before its jobs were told.
  if (isTerminal(image.status) && image.status !== "cancelled") return { cancelled: [], running: [] };
  const patched = await deps.images.patch(image.imageId, {
    set: {
      status: "cancelled",
      failure: { name: "Cancelled", message: "It was cancelled on request.", rule: null },
      finishedAtMs: deps.clock(),
    },
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
