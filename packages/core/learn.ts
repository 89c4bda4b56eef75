/**
 * @module Learning what became of a job by asking its provider: the reconciler does, and a webhook that nobody signed leads
 * here. Nothing is bought; a follow-up, which costs nothing, is asked for once.
 */
import type { Attempt, Outcome } from "./attempt.ts";
import type { Model } from "./catalogue.ts";
import type { Clock } from "./ids.ts";
import { outcomeOf } from "./outcome.ts";
import type { Attempts, Blobs } from "./ports.ts";
import type { OperationStatus, Provider } from "./provider.ts";

/** Whoever claimed a follow-up has asked for it by then, or died. */
const FOLLOW_UP_CLAIM_MS = 2 * 60 * 1000;

export interface LearnDeps {
  readonly attempts: Attempts;
  readonly blobs: Blobs;
  readonly clock: Clock;
}

/**
 * Asks once; null while the job is pending.
 *
 * @param attempt one with an operation
 * @throws AtelierError `ProviderUnavailable`
 */
export async function askForOutcome(
  attempt: Attempt & { readonly operation: string },
  provider: Provider,
  model: Model,
  deps: LearnDeps,
): Promise<Outcome | null> {
  const status = await provider.check(attempt.operation, model);
  const settled = await followedUp(attempt, status, provider, model, deps);
  return outcomeOf(attempt, settled, deps.clock(), deps.blobs);
}

async function followedUp(
  attempt: Attempt & { readonly operation: string },
  status: OperationStatus,
  provider: Provider,
  model: Model,
  deps: LearnDeps,
): Promise<OperationStatus> {
  if (status.kind !== "succeeded" || status.canFollowUp !== true || !provider.followUp) return status;
  // Asked for already, and the answer was lost: what is there is taken.
  if (attempt.followUpAtMs !== null) {
    return deps.clock() - attempt.followUpAtMs > FOLLOW_UP_CLAIM_MS ? status : { kind: "pending" };
  }

  const claimed = await deps.attempts.patch(attempt.attemptId, {
    set: { followUpAtMs: deps.clock() },
    when: [
      { field: "followUpAtMs", is: "absent" },
      { field: "outcome", is: "absent" },
    ],
  });
  if (!claimed.ok) return { kind: "pending" };
  const { attemptId, webhookUrl } = attempt;
  const operation = await provider
    .followUp(attempt.operation, model, { attemptId, webhookUrl })
    .catch(() => null);
  if (operation === null) return status;
  await deps.attempts.claimOperation(attempt.provider, operation, attemptId);
  await deps.attempts.patch(attemptId, { set: { operation }, when: [{ field: "outcome", is: "absent" }] });
  return { kind: "pending" };
}
