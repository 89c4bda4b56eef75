/**
 * @module Telling that an image has come to its end: the audit's entry and the event. Both have ids derived from image and
 * status, so telling it again (after a kill in between) adds nothing to the audit and repeats the same event.
 */
import { type AuditDeps, audited } from "./audit.ts";
import { sha256Hex } from "./ids.ts";
import { type Image, isTerminal } from "./image.ts";
import type { Audit, Events } from "./ports.ts";

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

/** Announces an end that a killed process recorded and never told. */
export async function announceIfUntold(
  image: Image,
  deps: AnnounceDeps & { readonly audit: Pick<Audit, "write" | "ofSubject"> },
): Promise<void> {
  if (!isTerminal(image.status)) return;
  const told = (await deps.audit.ofSubject(image.imageId)).some(
    (entry) => entry.kind === kindOfEnd(image) && entry.phase === "done",
  );
  if (!told) await announceEnd(image, deps);
}

/** A picture that was judged was let through or held back by that; one without a verdict was refused or given up. */
function kindOfEnd(image: Image): "released" | "refused" {
  return image.verdict === null ? "refused" : "released";
}
