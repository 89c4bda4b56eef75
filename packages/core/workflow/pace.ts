/** @module What generate does with pacing's answers: wait in the state machine, or end the attempt so that another may follow. */
import type { Attempt } from "../attempt.ts";
import type { Clock } from "../ids.ts";
import type { Image } from "../image.ts";
import { answerIfBoth } from "../outcome.ts";
import type { PacingAnswer } from "../pacing-row.ts";
import type { Attempts, Pacing, Workflow } from "../ports.ts";
import type { Submission } from "../provider.ts";

interface PaceDeps {
  readonly attempts: Attempts;
  readonly workflow: Pick<Workflow, "answer">;
  readonly clock: Clock;
}

/** Nothing is sent now. The token is answered, whatever pacing said. */
export async function notNow(
  attempt: Attempt,
  image: Image,
  taskToken: string,
  answer: Exclude<PacingAnswer, { kind: "go" }>,
  deps: PaceDeps,
): Promise<void> {
  switch (answer.kind) {
    case "wait":
      return pace(image, taskToken, answer.waitMs, deps);
    case "closed":
      // Waiting does not mend an account: the image goes elsewhere, or ends with the reason.
      if (answer.because !== "fault") return endUnsent(attempt, answer.because, answer.message, deps);
      // Once: should the same provider be chosen again, there is no other, and waiting is all that is left.
      return attempt.number === 1 && mayGoElsewhere(image)
        ? endUnsent(attempt, "ProviderResting", answer.message, deps)
        : pace(image, taskToken, answer.waitMs, deps);
    case "quota":
      return endUnsent(attempt, "QuotaUsedUp", quotaMessage(attempt, answer), deps);
  }
}

/** However long an image has waited: whoever gets a turn again is asked within this. */
const ASKED_EVERY_MAX_MS = 5 * 60_000;
/** Of the time that an image has waited already: how much longer it waits at least. */
const AGE_SHARE = 1 / 25;
/** Of the time until its deadline: no longer, so that it is asked a last few times before. */
const LEFT_SHARE = 4 / 5;

/**
 * The least that an image of this age waits, which has so long until its deadline: a part of that at most, since who would come
 * back after it is given up at once. Step Functions ends an execution that writes 25,000 events ("Quotas", a hard limit), and
 * each wait writes ten: asking as often after hours as in the first minute, a part at a provider of one place would be ended after
 * some 80 minutes. With this, ten that wait all the time until their deadline write 22,000.
 */
export function leastWaitMs(ageMs: number, leftMs: number): number {
  return Math.max(0, Math.min(ASKED_EVERY_MAX_MS, ageMs * AGE_SHARE, leftMs * LEFT_SHARE));
}

/** The waiting is the state machine's; it ends at the image's own deadline. */
export async function pace(image: Image, taskToken: string, askedMs: number, deps: PaceDeps): Promise<void> {
  const nowMs = deps.clock();
  const waitMs = Math.max(askedMs, leastWaitMs(nowMs - image.createdAtMs, image.deadlineAtMs - nowMs));
  const inTime = nowMs + waitMs < image.deadlineAtMs;
  await deps.workflow.answer(
    taskToken,
    inTime
      ? {
          ok: false,
          error: "Paced",
          cause: JSON.stringify({ seconds: Math.max(1, Math.ceil(waitMs / 1000)) }),
        }
      : {
          ok: false,
          error: "DeadlineExceeded",
          cause: "The provider had no room for this image before its deadline.",
        },
  );
}

/** What a create says about the provider's health. */
export function resultOf(submission: Submission): Parameters<Pacing["report"]>[2] {
  if (submission.kind === "unknown") return "fault";
  if (submission.kind !== "refused") return "reached";
  if (submission.name === "KeyRefused" || submission.name === "OutOfCredit") return submission.name;
  // The one refusal that is the adapters' own word for "no connection came about".
  return submission.name === "ProviderAborted" ? "fault" : "reached";
}

/** An explicit model or provider is never replaced by another one silently. */
function mayGoElsewhere(image: Image): boolean {
  return image.wantedModel === null && image.wantedProvider === null;
}

/** Only while nobody sends: whoever has won the attempt meanwhile goes on with it. */
async function endUnsent(
  attempt: Attempt,
  name: "ProviderResting" | "QuotaUsedUp" | "KeyRefused" | "OutOfCredit",
  message: string,
  deps: PaceDeps,
): Promise<void> {
  const ended = await deps.attempts.patch(attempt.attemptId, {
    set: {
      state: "failed",
      outcome: { kind: "failed", name, message, charged: false, costMicros: null, atMs: deps.clock() },
    },
    when: [
      { field: "outcome", is: "absent" },
      { field: "state", is: "equals", value: "held" },
      { field: "generation", is: "equals", value: attempt.generation },
    ],
  });
  if (ended.record) await answerIfBoth(ended.record, deps);
}

function quotaMessage(
  { provider }: Attempt,
  { scope, limit, resetsAtMs }: Extract<PacingAnswer, { kind: "quota" }>,
): string {
  const resetsAt = `${new Date(resetsAtMs).toISOString().slice(0, 19)}Z`;
  return `The quota of ${limit} creates a ${scope} at ${provider} is used up; it resets at ${resetsAt}.`;
}
