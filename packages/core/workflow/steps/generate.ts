/**
 * @module generate: buys the picture, once. Only the winner of `held -> submitting` may call the provider; everybody else
 * reattaches to what the winner started. The answer to the task token comes from whoever sees token and outcome.
 */
import * as z from "zod";
import type { Attempt } from "../../attempt.ts";
import { type AuditDeps, audited } from "../../audit.ts";
import type { Model } from "../../catalogue.ts";
import { AtelierError, isAtelierError } from "../../errors.ts";
import type { RandomBytes } from "../../ids.ts";
import { type Image, isTerminal } from "../../image.ts";
import { answerIfBoth, recordOutcome, referencesTo } from "../../outcome.ts";
import type { Attempts, Blobs, Images, Pacing, PromptVault, Requests, Workflow } from "../../ports.ts";
import { JOB_DEADLINE_MS } from "../../price.ts";
import type { OutputData, Provider, Submission } from "../../provider.ts";
import { withSafetyWording } from "../../safety-wording.ts";
import { endedByItsRequest } from "../cancelled-request.ts";
import { advance, attemptInputSchema, ownedImage, superseded } from "../ownership.ts";
import { notNow, pace, resultOf } from "../pace.ts";
import { releaseUnsent } from "./abandon.ts";

export const generateInputSchema = attemptInputSchema.extend({ taskToken: z.string().min(1) });
export type GenerateInput = z.infer<typeof generateInputSchema>;

/**
 * A winner that was stopped for longer than this between winning and calling gives its right back: the reconciler may
 * have looked for the job meanwhile.
 */
export const SUBMIT_RIGHT_MS = 3_000;

export interface GenerateDeps extends AuditDeps {
  readonly requests: Pick<Requests, "get">;
  readonly images: Images;
  readonly attempts: Attempts;
  readonly vault: Pick<PromptVault, "get">;
  readonly blobs: Blobs;
  readonly pacing: Pacing;
  readonly workflow: Pick<Workflow, "answer">;
  readonly providerOf: (name: Attempt["provider"]) => Provider | undefined;
  readonly modelOf: (name: string) => Model | undefined;
  readonly randomBytes: RandomBytes;
  /** Who submits, for `Workflow.submitterAlive`. */
  readonly submitter: string;
  /** Where the provider tells about this attempt; null when it cannot reach us. */
  readonly webhookUrlOf: (attempt: Pick<Attempt, "attemptId" | "provider">) => string | null;
}

/** Returns when the call is on its way; the token is answered when the outcome is known. */
export async function generate(input: GenerateInput, deps: GenerateDeps): Promise<void> {
  const attempt = await bindToken(input, deps);
  if (attempt.outcome !== null) return answerIfBoth(attempt, deps);
  if (attempt.state === "unknown") {
    // Given up before this token was bound: nobody else would answer it.
    throw new AtelierError("OutcomeUnknown", `What became of ${attempt.attemptId} is not known.`);
  }
  if (attempt.state !== "held") return;

  const image = await ownedImage(input, deps.images);
  if (isTerminal(image.status) || (await endedByItsRequest(image, deps))) {
    return endForEndedImage(attempt, deps);
  }
  const turn = await deps.pacing.take({
    provider: attempt.provider,
    attemptId: attempt.attemptId,
    lane: image.priority,
    deadlineAtMs: deps.clock() + JOB_DEADLINE_MS,
  });
  if (turn.kind !== "go") return notNow(attempt, image, input.taskToken, turn, deps);

  const won = await winSubmission(attempt, deps);
  if (!won) return;
  const request = await prepared(input, won, image, deps);
  if (request === null) return endForEndedImage(won, deps);
  if (deps.clock() - (won.submittingAtMs ?? 0) > SUBMIT_RIGHT_MS) {
    await backToHeld(won, deps);
    return pace(image, input.taskToken, 1_000, deps);
  }
  const submission = await submitOnce(won, request, deps);
  try {
    await keepSubmission(won, image, input.taskToken, submission, deps);
  } catch (error) {
    await stopSubmitting(won, deps).catch(() => undefined);
    throw error;
  } finally {
    // The breaker's knowledge is worth less than what was bought: its failure is nobody's.
    await deps.pacing.report(won.provider, won.attemptId, resultOf(submission)).catch(() => undefined);
  }
}

/**
 * Everything between winning and calling; null when the image has ended meanwhile (somebody cancelled it). When it fails nothing
 * was sent, and the next call may win again.
 */
async function prepared(input: GenerateInput, won: Attempt, image: Image, deps: GenerateDeps) {
  try {
    const { record } = await advance(input, "generating", deps.images);
    if (record && isTerminal(record.status)) {
      await backToHeld(won, deps);
      return null;
    }
    await audited({ ...boughtFacts(won), phase: "intended" }, deps);
    return await requestOf(won, image, deps);
  } catch (error) {
    await backToHeld(won, deps).catch(() => undefined);
    throw error;
  }
}

/** Nothing is sent for an image that has ended: the attempt ends as one that was never sent. */
async function endForEndedImage(attempt: Attempt, deps: GenerateDeps): Promise<void> {
  const ended = await releaseUnsent({ ...attempt, state: "held" }, deps);
  await answerIfBoth(ended, deps);
}

/** The token goes onto the attempt first: an outcome that comes at any time after finds it. */
async function bindToken(input: GenerateInput, deps: GenerateDeps): Promise<Attempt> {
  const patched = await deps.attempts.patch(input.attemptId, {
    set: { token: input.taskToken },
    when: [{ field: "generation", is: "equals", value: input.generation }],
  });
  if (!patched.record) throw new AtelierError("UnknownName", `There is no attempt ${input.attemptId}.`);
  if (!patched.ok) throw superseded(input.imageId);
  return patched.record;
}

/** The compare-and-set that makes one caller the buyer; null for everybody else. */
async function winSubmission(attempt: Attempt, deps: GenerateDeps): Promise<Attempt | null> {
  const nonce = Buffer.from(deps.randomBytes(16)).toString("hex");
  const patched = await deps.attempts.patch(attempt.attemptId, {
    set: {
      state: "submitting",
      nonce,
      submittingAtMs: deps.clock(),
      submitter: deps.submitter,
      webhookUrl: deps.webhookUrlOf(attempt),
      // The job has its whole time, however long it was waited for a turn.
      deadlineAtMs: deps.clock() + JOB_DEADLINE_MS,
    },
    when: [
      { field: "state", is: "equals", value: "held" },
      { field: "generation", is: "equals", value: attempt.generation },
      { field: "settledMicros", is: "absent" },
    ],
  });
  // A condition that fails on our own nonce is our own update, whose answer was lost and which the client repeated.
  return patched.record?.nonce === nonce && patched.record.state === "submitting" ? patched.record : null;
}

async function requestOf(attempt: Attempt, image: Image, deps: GenerateDeps) {
  const text = await deps.vault.get(attempt.imageId);
  const model = deps.modelOf(attempt.model);
  const provider = deps.providerOf(attempt.provider);
  if (!text || !model || !provider) {
    await recordOutcome(
      attempt.attemptId,
      {
        kind: "failed",
        name: "ConfigurationInvalid",
        message: `Model ${attempt.model} or provider ${attempt.provider} is not configured here.`,
        charged: false,
        costMicros: null,
        atMs: deps.clock(),
      },
      deps,
    );
    throw new AtelierError(
      "ConfigurationInvalid",
      `Model ${attempt.model} or provider ${attempt.provider} is not configured here.`,
    );
  }
  return {
    provider,
    request: {
      model,
      // Said to the provider alone: what is kept and hashed is the caller's own text.
      ...withSafetyWording(text, {
        rating: image.rating,
        takesNegative: model.negativePrompt !== null,
        charactersMax: model.prompt.charactersMax,
      }),
      parameters: image.parameters,
      seed: attempt.seed,
      deadlineMs: Math.max(5_000, attempt.deadlineAtMs - deps.clock()),
    },
  };
}

/** Whatever goes wrong once the call has started, the create may have arrived: that is `unknown`, never a retry. */
async function submitOnce(
  attempt: Attempt,
  { provider, request }: Awaited<ReturnType<typeof requestOf>>,
  deps: GenerateDeps,
): Promise<Submission> {
  try {
    return await provider.submit(request, { attemptId: attempt.attemptId, webhookUrl: attempt.webhookUrl });
  } catch (error) {
    return { kind: "unknown", message: error instanceof Error ? error.message : String(error) };
  } finally {
    await audited({ ...boughtFacts(attempt), phase: "done" }, deps).catch(() => undefined);
  }
}

async function keepSubmission(
  attempt: Attempt,
  image: Image,
  taskToken: string,
  submission: Submission,
  deps: GenerateDeps,
): Promise<void> {
  const nowMs = deps.clock();
  switch (submission.kind) {
    case "accepted":
      return keepOperation(attempt, submission.operation, deps);
    case "done": {
      const outputs = await keptFirmly(attempt, submission.outputs, deps.blobs);
      await recordOutcome(
        attempt.attemptId,
        { kind: "succeeded", outputs, costMicros: submission.costMicros, atMs: nowMs },
        deps,
      );
      return;
    }
    case "refused":
    case "failed":
      await recordOutcome(
        attempt.attemptId,
        { charged: false, costMicros: null, ...submission, kind: "failed", atMs: nowMs },
        deps,
      );
      return;
    case "rate-limited":
      await deps.pacing.restUntil(attempt.provider, nowMs + submission.retryAfterMs);
      if (await backToHeld(attempt, deps)) await pace(image, taskToken, submission.retryAfterMs, deps);
      return;
    case "unknown":
      await stopSubmitting(attempt, deps);
  }
}

/** A picture in an answer is paid for, and nowhere else: a store that does not answer is asked again at once. */
const KEEP_ROUNDS_MAX = 5;

async function keptFirmly(attempt: Attempt, outputs: readonly OutputData[], blobs: Blobs) {
  for (let round = 1; ; round++) {
    try {
      return await referencesTo(attempt, outputs, blobs);
    } catch (error) {
      if (round >= KEEP_ROUNDS_MAX || !isAtelierError(error, "StorageUnavailable")) throw error;
    }
  }
}

/** Nobody sends any more: the reconciler may look for the job. */
async function stopSubmitting(attempt: Attempt, deps: GenerateDeps): Promise<void> {
  await deps.attempts.patch(attempt.attemptId, {
    set: { submitter: null },
    when: [{ field: "nonce", is: "equals", value: attempt.nonce }],
  });
}

/**
 * The handle is kept before anything else can fail; a webhook may have been quicker with the outcome, the reconciler with
 * giving up.
 */
async function keepOperation(attempt: Attempt, operation: string, deps: GenerateDeps): Promise<void> {
  const handle = { operation, submittedAtMs: deps.clock() };
  const mine = { field: "nonce", is: "equals", value: attempt.nonce } as const;
  const patched = await deps.attempts.patch(attempt.attemptId, {
    set: { ...handle, state: "submitted" },
    when: [
      mine,
      { field: "outcome", is: "absent" },
      { field: "state", is: "one-of", values: ["submitting", "reconciling"] },
    ],
  });
  const kept = patched.ok
    ? patched
    : await deps.attempts.patch(attempt.attemptId, { set: handle, when: [mine] });
  await deps.attempts.claimOperation(attempt.provider, operation, attempt.attemptId);
  if (kept.record) await answerIfBoth(kept.record, deps);
  await stopIfCancelled(attempt, operation, deps);
}

/** Whoever cancelled the image while the create was on its way had nothing to stop yet. */
async function stopIfCancelled(attempt: Attempt, operation: string, deps: GenerateDeps): Promise<void> {
  const image = await deps.images.get(attempt.imageId);
  if (image?.status !== "cancelled") return;
  // It runs on until its own deadline, and the reconciler learns how it ended.
  await deps
    .providerOf(attempt.provider)
    ?.cancel?.(operation)
    .catch(() => undefined);
}

/** Only for a create that certainly made nothing. */
async function backToHeld(attempt: Attempt, deps: GenerateDeps): Promise<boolean> {
  const patched = await deps.attempts.patch(attempt.attemptId, {
    set: { state: "held", nonce: null, submittingAtMs: null, submitter: null },
    when: [
      { field: "state", is: "equals", value: "submitting" },
      { field: "nonce", is: "equals", value: attempt.nonce },
    ],
  });
  return patched.ok;
}

function boughtFacts(attempt: Attempt) {
  return {
    subject: attempt.imageId,
    kind: "bought",
    attemptId: attempt.attemptId,
    facts: { provider: attempt.provider, model: attempt.model, holdMicros: attempt.holdMicros },
  } as const;
}
