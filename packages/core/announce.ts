/**
 * @module Telling that an image has come to its end: the event, then the audit's entry. Both have ids derived from image and
 * status, so telling it again adds nothing to the audit and repeats the same event. The event comes first: whoever looks for what
 * was never told goes by the audit.
 */
import type { Attempt } from "./attempt.ts";
import { type AuditDeps, audited } from "./audit.ts";
import type { EventDetail } from "./events.ts";
import { chargedMicros } from "./health.ts";
import { eventIdOf } from "./ids.ts";
import { type Image, isTerminal, TERMINAL_STATUSES } from "./image.ts";
import type { BudgetCrossing } from "./ledger-month.ts";
import { usdFromMicros } from "./money.ts";
import type { Attempts, Audit, AuditEntry, Events } from "./ports.ts";

export interface AnnounceDeps extends AuditDeps {
  readonly events: Events;
  readonly attempts: Attempts;
}

/** @param image as recorded: terminal */
export async function announceEnd(image: Image, deps: AnnounceDeps): Promise<void> {
  const { imageId, costMicros } = image;
  const status = TERMINAL_STATUSES.find((each) => each === image.status);
  if (status === undefined) return;
  await deps.events.publish({
    id: eventIdOf(imageId, status),
    type: `image-${status}`,
    atMs: image.finishedAtMs ?? deps.clock(),
    detail: endDetail(image, await deps.attempts.ofImage(imageId)),
  });
  if (image.verdict?.sealed) await announceSuspicion(image, deps);
  await audited(
    {
      subject: imageId,
      kind: kindOfEnd(image),
      phase: "done",
      attemptId: image.chosenAttemptId ?? image.currentAttemptId,
      facts: {
        status,
        verdict: image.verdict?.decision ?? null,
        basis: image.verdict?.basis ?? null,
        reason: image.failure?.name ?? null,
        rule: image.failure?.rule ?? null,
        costMicros,
        promptHash: image.promptHash,
      },
    },
    deps,
  );
}

/** @param attempts of the image */
function endDetail(image: Image, attempts: readonly Attempt[]): EventDetail<"image-completed"> {
  const chosen = attempts.find(({ attemptId }) => attemptId === image.chosenAttemptId);
  const begunAtMs = chosen?.submittingAtMs ?? chosen?.createdAtMs ?? null;
  const madeAtMs = chosen?.outcome?.kind === "succeeded" ? chosen.outcome.atMs : null;
  return {
    image_id: image.imageId,
    request_id: image.requestId,
    category: image.category,
    rating: image.rating,
    template: image.template,
    provider: image.provider,
    model: image.model,
    cost: usdFromMicros(image.costMicros),
    quality: image.quality,
    generation_seconds: secondsBetween(begunAtMs, madeAtMs),
    queue_seconds: secondsBetween(image.createdAtMs, begunAtMs),
    reason: image.failure?.name ?? null,
    attempts: attempts
      .toSorted((one, other) => one.number - other.number)
      .map((attempt) => ({
        attempt_id: attempt.attemptId,
        provider: attempt.provider,
        model: attempt.model,
        outcome: attempt.outcome?.kind ?? ("unknown" as const),
        reason: attempt.outcome?.kind === "failed" ? attempt.outcome.name : null,
        cost: usdFromMicros(chargedMicros(attempt)),
      })),
  };
}

/** Null where an end is not known; clocks that are apart make no time negative. */
function secondsBetween(fromMs: number | null, toMs: number | null): number | null {
  return fromMs === null || toMs === null ? null : Math.max(0, toMs - fromMs) / 1000;
}

/** A suspected minor, for the operator: told apart from all other events. */
async function announceSuspicion(image: Image, deps: Pick<AnnounceDeps, "events" | "clock">): Promise<void> {
  await deps.events.publish({
    id: eventIdOf(image.imageId, "suspected-minor"),
    type: "suspected-minor",
    atMs: image.finishedAtMs ?? deps.clock(),
    detail: { image_id: image.imageId, request_id: image.requestId, category: image.category },
  });
}

/**
 * Told for each budget, period and limit, by whoever takes money of it from its warning on: always under the same id, so that
 * those who follow events hear of it once.
 */
export async function announceBudgets(
  account: Attempt["account"],
  crossed: readonly BudgetCrossing[],
  deps: Pick<AnnounceDeps, "events" | "clock">,
): Promise<void> {
  for (const { scope, period, limitMicros, usedMicros } of crossed) {
    await deps.events.publish({
      id: eventIdOf("budget-warning", account, scope, period, limitMicros),
      type: "budget-warning",
      atMs: deps.clock(),
      detail: {
        account,
        scope,
        period,
        limit: usdFromMicros(limitMicros),
        used: usdFromMicros(usedMicros),
      },
    });
  }
}

/**
 * Tells what a killed process recorded and never told: the image's end, and how each purchase that was intended went.
 *
 * @param attempts of the image
 */
export async function announceIfUntold(
  image: Image,
  attempts: readonly Attempt[],
  deps: AnnounceDeps & { readonly audit: Pick<Audit, "write" | "ofSubject"> },
): Promise<void> {
  if (!isTerminal(image.status)) return;
  const entries = await deps.audit.ofSubject(image.imageId);
  const isTold = (kind: AuditEntry["kind"], phase: AuditEntry["phase"], attemptId?: string) =>
    entries.some(
      (entry) =>
        entry.kind === kind &&
        entry.phase === phase &&
        (attemptId === undefined || entry.attemptId === attemptId),
    );
  for (const { attemptId, provider, model, state, settledMicros } of attempts) {
    if (!isTold("bought", "intended", attemptId) || isTold("bought", "done", attemptId)) continue;
    const facts = { provider, model, state, settledMicros };
    await audited({ subject: image.imageId, kind: "bought", phase: "done", attemptId, facts }, deps);
  }
  if (!isTold(kindOfEnd(image), "done")) await announceEnd(image, deps);
}

/** A picture that was judged was let through or held back by that; one without a verdict was refused or given up. */
function kindOfEnd(image: Image): "released" | "refused" {
  return image.verdict === null ? "refused" : "released";
}
