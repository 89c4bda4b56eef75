/**
 * @module A create at a provider that answers with the picture itself and cannot be asked again: what there is to say when the
 * answer was lost.
 */
import type { Attempt } from "./attempt.ts";
import type { Clock } from "./ids.ts";
import { keptOutputs, type OutcomeDeps, recordOutcome } from "./outcome.ts";
import type { Blobs } from "./ports.ts";

export interface LostAnswerDeps extends OutcomeDeps {
  readonly blobs: Blobs;
  readonly clock: Clock;
}

/** Its caller may have died after it had kept the picture, and before it noted it. */
export async function recordKept(attempt: Attempt, deps: LostAnswerDeps): Promise<Attempt | null> {
  const kept = await keptOutputs(attempt, deps.blobs);
  if (kept.length === 0) return null;
  const outputs = kept.map((stored) => ({ kind: "stored" as const, stored }));
  return recordOutcome(
    attempt.attemptId,
    { kind: "succeeded", outputs, costMicros: null, atMs: deps.clock() },
    deps,
  );
}

/** It cost nothing, and nobody can be asked about it: the image goes on at once after the job's own deadline. */
export function endFree(attempt: Attempt, deps: LostAnswerDeps): Promise<Attempt> {
  const message =
    "The answer of one's own machine was lost; the picture cannot be had any more, and cost nothing.";
  return recordOutcome(
    attempt.attemptId,
    { kind: "failed", name: "ProviderFailed", message, charged: false, costMicros: 0, atMs: deps.clock() },
    deps,
  );
}
