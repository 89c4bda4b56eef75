/**
 * @module Telling that an image has come to its end: the audit's entry and the event. Both have ids derived from image and
 * status, so telling it again (after a kill in between) adds nothing to the audit and repeats the same event.
 */
import type { Attempt } from "./attempt.ts";
import { type AuditDeps, audited } from "./audit.ts";
import { sha256Hex } from "./ids.ts";
import { type Image, isTerminal } from "./image.ts";
import type { BudgetCrossing } from "./ledger-month.ts";
import type { Audit, AuditEntry, Events } from "./ports.ts";

export interface AnnounceDeps extends AuditDeps {
  readonly events: Events;
}

/** @param image as recorded: terminal */
export async function announceEnd(image: Image, deps: AnnounceDeps): Promise<void> {
  const { imageId, status, costMicros } = image;
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
  await deps.events.publish({
    id: sha256Hex(`${imageId}\n${status}`).slice(0, 24),
    type: `image-${status}`,
    atMs: image.finishedAtMs ?? deps.clock(),
    detail: {
      imageId,
      requestId: image.requestId,
      category: image.category,
      costMicros,
      reason: image.failure?.name ?? null,
    },
  });
}

/** A suspected minor, for the operator: told once, apart from all other events. */
export async function announceSuspicion(
  image: Image,
  deps: Pick<AnnounceDeps, "events" | "clock">,
): Promise<void> {
  await deps.events.publish({
    id: sha256Hex(`${image.imageId}\nsuspected-minor`).slice(0, 24),
    type: "suspected-minor",
    atMs: image.finishedAtMs ?? deps.clock(),
    detail: { imageId: image.imageId, requestId: image.requestId, category: image.category },
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
      id: sha256Hex(`budget-warning\n${account}\n${scope}\n${period}\n${limitMicros}`).slice(0, 24),
      type: "budget-warning",
      atMs: deps.clock(),
      detail: { account, scope, period, limitMicros, usedMicros },
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
