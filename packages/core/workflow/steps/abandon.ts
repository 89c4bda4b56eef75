/**
 * @module abandon: ends an image that cannot go on, and says why. Settles, releases or, where the outcome is unknown, keeps
 * the hold; never touches an image that another attempt completed.
 */
import * as z from "zod";
import { costOf } from "../../alternates.ts";
import { type AnnounceDeps, announceEnd } from "../../announce.ts";
import type { Attempt, Outcome } from "../../attempt.ts";
import { ERRORS } from "../../error-table.ts";
import { type ErrorName, isErrorName } from "../../errors.ts";
import { type Image, type ImageStatus, isTerminal, OPEN_STATUSES } from "../../image.ts";
import { type LedgerDeps, settle } from "../../ledger.ts";
import { chargeOf } from "../../outcome.ts";
import type { Images } from "../../ports.ts";
import { advance, imageInputSchema, superseded } from "../ownership.ts";

export const abandonInputSchema = imageInputSchema.extend({
  /** As a Catch writes it. */
  error: z.object({ Error: z.string(), Cause: z.string().optional() }),
});
export type AbandonInput = z.infer<typeof abandonInputSchema>;

export interface AbandonDeps extends AnnounceDeps, LedgerDeps {
  readonly images: Images;
}

export async function abandon(input: AbandonInput, deps: AbandonDeps): Promise<void> {
  const image = await deps.images.get(input.imageId);
  if (!image || image.generation !== input.generation) return;
  const failure = readFailure(input.error);
  const attempt = image.currentAttemptId ? await deps.attempts.get(image.currentAttemptId) : undefined;
  if (attempt && attempt.generation > input.generation) throw superseded(image.imageId);

  if (isTerminal(image.status)) {
    if (attempt) await endAttempt(attempt, deps);
    return;
  }
  const mayGoOn = isInterruption(input.error) || (hasPicture(attempt) && !CONDEMNS_PICTURE.has(failure.name));
  if (goesOnLater(mayGoOn ? "StorageUnavailable" : failure.name, image, deps.clock())) {
    return noteReason(image, failure, deps);
  }
  if (attempt && !(await endAttempt(attempt, deps))) {
    // Paid for, perhaps: the hold stays, and the reconciler goes on asking.
    await advance(input, "unknown", deps.images);
    return;
  }
  await endImage(image, failure, deps);
}

/**
 * What the cloud says when it ended a function, or never ran it: nothing about the image. (A time-out of the state machine is
 * `States.Timeout`, and means that nobody answered the token.)
 */
function isInterruption(error: AbandonInput["error"]): boolean {
  return /^(Lambda|Sandbox|Runtime|Extension)\./.test(error.Error) || error.Error === "States.TaskFailed";
}

function hasPicture(attempt: Attempt | undefined): boolean {
  return attempt?.outcome?.kind === "succeeded";
}

/**
 * Only these say that a picture which is there and paid for is of no use. Anything else (a missing permission, a fault
 * that nobody foresaw, a time-out) may be mended while the bytes are kept.
 */
const CONDEMNS_PICTURE: ReadonlySet<ErrorName> = new Set<ErrorName>([
  "OutputExpired",
  "OutputInvalid",
  "OutputUnsafe",
  "BlobConflict",
]);

/** True when nothing was decided: the image stays open, and `resume` or the reconciler starts it again. */
function goesOnLater(name: ErrorName, image: Image, nowMs: number): boolean {
  const { route } = ERRORS[name];
  return route === "hold" || (route === "retry" && nowMs < image.deadlineAtMs);
}

/** Why the image stands still, for whoever looks at it meanwhile; completing it clears the note. */
async function noteReason(
  image: Image,
  failure: { name: ErrorName; message: string },
  deps: AbandonDeps,
): Promise<void> {
  if (failure.name === "GenerationSuperseded" || failure.name === "ImageTerminal") return;
  await deps.images.patch(image.imageId, {
    set: { failure: { ...failure, rule: null } },
    when: [
      { field: "generation", is: "equals", value: image.generation },
      { field: "status", is: "one-of", values: OPEN_STATUSES },
    ],
  });
}

/** Brings the attempt to an end where its outcome is known; false when it is not. */
async function endAttempt(attempt: Attempt, deps: AbandonDeps): Promise<boolean> {
  const ended = attempt.state === "held" ? await releaseUnsent(attempt, deps) : attempt;
  if (ended.generation !== attempt.generation) throw superseded(attempt.imageId);
  if (ended.state === "held") return endAttempt(ended, deps);
  if (!ended.outcome) return false;
  await settle(ended.attemptId, chargeOf(ended, ended.outcome), deps);
  return true;
}

/**
 * A held attempt was never sent: ended by condition, so that nobody can send it any more. One that a new owner has taken over
 * is left to it.
 */
export async function releaseUnsent(
  attempt: Attempt,
  deps: Pick<AbandonDeps, "attempts" | "clock">,
): Promise<Attempt> {
  const outcome: Outcome = {
    kind: "failed",
    // Fails over: should the image be taken up again, it gets a new attempt.
    name: "NotCreated",
    message: "The attempt was given up before it was sent.",
    charged: false,
    costMicros: null,
    atMs: deps.clock(),
  };
  const patched = await deps.attempts.patch(attempt.attemptId, {
    set: { state: "failed", outcome },
    when: [
      { field: "state", is: "equals", value: "held" },
      { field: "generation", is: "equals", value: attempt.generation },
    ],
  });
  return patched.record ?? attempt;
}

async function endImage(
  image: Image,
  failure: { name: ErrorName; message: string },
  deps: AbandonDeps,
): Promise<void> {
  const status: ImageStatus =
    failure.name === "PolicyRefused" || failure.name === "TermsDenied" ? "rejected" : "failed";
  const nowMs = deps.clock();
  // The step that refused has noted rule and words already; an engine's cause would only repeat them worse.
  const noted = image.failure?.name === failure.name ? image.failure : { ...failure, rule: null };
  const patched = await deps.images.patch(image.imageId, {
    set: {
      status,
      failure: noted,
      costMicros: await costOf(image.imageId, deps.attempts),
      finishedAtMs: nowMs,
    },
    when: [
      { field: "generation", is: "equals", value: image.generation },
      { field: "status", is: "one-of", values: OPEN_STATUSES },
    ],
  });
  if (patched.ok) await announceEnd(patched.record, deps);
}

const causeSchema = z.object({ errorType: z.string().optional(), errorMessage: z.string().optional() });

/** The cause is JSON text from Lambda and from our tokens, plain text from the local engine. */
export function readFailure(error: AbandonInput["error"]): { name: ErrorName; message: string } {
  const cause = error.Cause ?? "";
  const parsed = causeSchema.safeParse(jsonOrNull(cause));
  const told = parsed.success ? parsed.data.errorType : undefined;
  const name = isErrorName(error.Error) && error.Error !== "FailOver" ? error.Error : told;
  return {
    name: name !== undefined && isErrorName(name) ? name : "Unexpected",
    message: (parsed.success ? parsed.data.errorMessage : undefined) ?? (cause || error.Error),
  };
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
