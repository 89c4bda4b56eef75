/**
 * @module The attempts that nobody has finished: the reconciler asks providers about them, finds creates whose answer was
 * lost, and gives up, in the end, what nobody can tell about. It never submits anything.
 */
import { fileAfterEnd } from "./alternates.ts";
import type { Attempt, Outcome } from "./attempt.ts";
import type { Model } from "./catalogue.ts";
import { type AtelierError, isAtelierError } from "./errors.ts";
import type { Clock } from "./ids.ts";
import { isTerminal } from "./image.ts";
import { askForOutcome } from "./learn.ts";
import { applyCorrection, applySettlement, bookCharge, type LedgerDeps, settle } from "./ledger.ts";
import { endFree, recordKept } from "./lost-answer.ts";
import { answerIfBoth, chargeOf, recordOutcome } from "./outcome.ts";
import { keepOverdue, OVERDUE_MS, stopOverdue } from "./overdue.ts";
import { all } from "./pages.ts";
import type { Blobs, Images, OutputFetcher, Workflow } from "./ports.ts";
import type { Provider } from "./provider.ts";
import { failureOf, throwFailures } from "./turns.ts";
import { releaseUnsent } from "./workflow/steps/abandon.ts";

export interface ReconcileTimes {
  /**
   * How long after a submitter is known to be dead a listing can be trusted to show its job. On AWS: HTTP time-out +
   * function time-out + 2 minutes; on one machine 5 seconds.
   */
  readonly lostCreateGraceMs: number;
  /** Between two questions about one job. */
  readonly checkIntervalMs: number;
}

/** After this a create or a job that nobody can tell about is booked as charged, and never bought again by itself. */
export const GIVE_UP_MS = 50 * 60 * 1000;

/**
 * A submitter that lives but has not noted its job for this long has lost it: more than the longest create (a provider that
 * answers with the picture itself may take the whole deadline of a job), and two minutes.
 */
export const SUBMITTING_MAX_MS = 8 * 60 * 1000;

/** A late success of a job that was given up is looked for this seldom, for a day. */
export const LATE_CHECK_INTERVAL_MS = 10 * 60 * 1000;
export const LATE_CHECK_UNTIL_MS = 24 * 60 * 60 * 1000;

export interface AttemptsDeps extends LedgerDeps {
  readonly images: Images;
  readonly blobs: Blobs;
  readonly fetcher: OutputFetcher;
  readonly workflow: Pick<Workflow, "answer" | "submitterAlive">;
  readonly providerOf: (name: Attempt["provider"]) => Provider | undefined;
  readonly modelOf: (name: string) => Model | undefined;
  readonly clock: Clock;
  readonly times: ReconcileTimes;
}

export interface AttemptsReport {
  /** Attempts whose outcome became known. */
  readonly learned: number;
  /** Attempts booked as charged because nobody can tell. */
  readonly givenUp: number;
  /** Attempts whose outcome is not known yet. */
  readonly open: number;
  /** Providers that did not answer; asked again next time. */
  readonly unreachable: readonly string[];
}

/** In these, an attempt is brought on by asking its provider. */
const ASKING_STATES: ReadonlySet<Attempt["state"]> = new Set(["submitted", "reconciling", "unknown"]);

/** @throws AtelierError what failed, but for a provider's silence, when every attempt has had its turn */
export async function reconcileAttempts(deps: AttemptsDeps): Promise<AttemptsReport> {
  const tally = { learned: 0, givenUp: 0, open: 0 };
  const unreachable = new Set<string>();
  const failed: AtelierError[] = [];
  for await (const attempt of all((page) => deps.attempts.open(page))) {
    try {
      // A provider that is silent is not asked again in this pass: each question may take as long as its time-out.
      const after =
        unreachable.has(attempt.provider) && ASKING_STATES.has(attempt.state)
          ? await giveUpWhenOld(attempt, deps)
          : await reconcileAttempt(attempt, deps);
      if (after.outcome && !attempt.outcome) tally.learned++;
      if (after.state === "unknown" && attempt.state !== "unknown") tally.givenUp++;
      if (!after.outcome && after.state !== "unknown") tally.open++;
    } catch (error) {
      // One provider that does not answer, or one attempt that cannot be mended, must not keep the others from being asked.
      if (isAtelierError(error, "ProviderUnavailable")) unreachable.add(attempt.provider);
      else failed.push(failureOf(attempt.attemptId, error));
      tally.open++;
    }
  }
  throwFailures(failed);
  return { ...tally, unreachable: [...unreachable] };
}

async function reconcileAttempt(attempt: Attempt, deps: AttemptsDeps): Promise<Attempt> {
  if (attempt.settledMicros !== null) await catchUp(attempt, deps);
  if (attempt.outcome) {
    // Also the answer that was lost between an outcome and its token.
    await answerIfBoth(attempt, deps);
    await keepOverdue(attempt, deps);
    return attempt.settledMicros === null ? settleIfEnded(attempt, attempt.outcome, deps) : attempt;
  }
  switch (attempt.state) {
    case "held":
      return releaseIfOrphaned(attempt, deps);
    case "submitting":
      return noteDeadSubmitter(attempt, deps);
    case "reconciling":
      return findLostCreate(attempt, deps);
    case "submitted":
      return checkJob(attempt, deps.times.checkIntervalMs, deps);
    case "unknown":
      // Whoever gave it up may have died before it was booked.
      return lookForLateSuccess(attempt.ledgerApplied ? attempt : await bookGivenUp(attempt, deps), deps);
    default:
      return attempt;
  }
}

/** An image that has ended (somebody cancelled it) may have no run any more that would settle what became known after. */
async function settleIfEnded(attempt: Attempt, outcome: Outcome, deps: AttemptsDeps): Promise<Attempt> {
  const image = await deps.images.get(attempt.imageId);
  if (image && !isTerminal(image.status)) return attempt;
  const settled = await settle(attempt.attemptId, chargeOf(attempt, outcome), deps);
  // The picture is kept by now, if it could be.
  if (image) await fileAfterEnd(image, settled, deps);
  return settled;
}

async function catchUp(attempt: Attempt, deps: AttemptsDeps): Promise<void> {
  await applySettlement(attempt, deps);
  await applyCorrection(attempt, deps);
}

/** Held for an image that has ended or gone on to another attempt: nobody will send it any more. */
async function releaseIfOrphaned(attempt: Attempt, deps: AttemptsDeps): Promise<Attempt> {
  const image = await deps.images.get(attempt.imageId);
  if (!image || (!isTerminal(image.status) && image.currentAttemptId === attempt.attemptId)) return attempt;
  const released = await releaseUnsent(attempt, deps);
  if (released.state !== "failed" || !released.outcome) return released;
  return settle(attempt.attemptId, chargeOf(released, released.outcome), deps);
}

/**
 * The grace for a listing begins when the submitter is first seen dead, not when it began: bytes that it sent may still
 * be on their way.
 */
async function noteDeadSubmitter(attempt: Attempt, deps: AttemptsDeps): Promise<Attempt> {
  const isRecent = deps.clock() - (attempt.submittingAtMs ?? attempt.createdAtMs) < SUBMITTING_MAX_MS;
  if (isRecent && attempt.submitter !== null && (await deps.workflow.submitterAlive(attempt.submitter))) {
    return attempt;
  }
  const patched = await deps.attempts.patch(attempt.attemptId, {
    set: { state: "reconciling", checkedAtMs: deps.clock() },
    when: [
      { field: "state", is: "equals", value: "submitting" },
      { field: "nonce", is: "equals", value: attempt.nonce },
      { field: "outcome", is: "absent" },
    ],
  });
  return patched.record ?? attempt;
}

async function findLostCreate(attempt: Attempt, deps: AttemptsDeps): Promise<Attempt> {
  const nowMs = deps.clock();
  if (attempt.operation !== null) return markSubmitted(attempt, attempt.operation, deps);
  if (nowMs - (attempt.checkedAtMs ?? 0) < deps.times.lostCreateGraceMs) return attempt;
  const provider = deps.providerOf(attempt.provider);
  const model = deps.modelOf(attempt.model);
  if (provider && !provider.find) {
    const kept = await recordKept(attempt, deps);
    if (kept) return kept;
  }
  const found =
    provider?.find && model
      ? await provider.find({
          attemptId: attempt.attemptId,
          model,
          seed: attempt.seed,
          webhookUrl: attempt.webhookUrl,
          submittingAtMs: attempt.submittingAtMs ?? attempt.createdAtMs,
        })
      : ({ kind: "unknown" } as const);
  if (found.kind === "found") return adopt(attempt, found.operation, deps);
  if (found.kind === "none") {
    const message = "The create never reached the provider: its complete list shows no such job.";
    return recordOutcome(
      attempt.attemptId,
      { kind: "failed", name: "NotCreated", message, charged: false, costMicros: null, atMs: nowMs },
      deps,
    );
  }
  if (provider && !provider.find && attempt.holdMicros === 0 && nowMs >= attempt.deadlineAtMs) {
    return endFree(attempt, deps);
  }
  // Nobody will ever tell: neither a list nor a webhook. Once the job's own time is over there is nothing to wait for.
  const isHopeless = provider !== undefined && !provider.find && !provider.parseWebhook;
  return isHopeless && nowMs >= attempt.deadlineAtMs ? giveUp(attempt, deps) : giveUpWhenOld(attempt, deps);
}

/** Put-if-absent on the operation: a job is never taken for two attempts. */
async function adopt(attempt: Attempt, operation: string, deps: AttemptsDeps): Promise<Attempt> {
  if (!(await deps.attempts.claimOperation(attempt.provider, operation, attempt.attemptId))) {
    return giveUpWhenOld(attempt, deps);
  }
  return markSubmitted(attempt, operation, deps);
}

async function markSubmitted(attempt: Attempt, operation: string, deps: AttemptsDeps): Promise<Attempt> {
  const patched = await deps.attempts.patch(attempt.attemptId, {
    set: {
      state: "submitted",
      operation,
      submittedAtMs: attempt.submittedAtMs ?? deps.clock(),
      checkedAtMs: null,
    },
    when: [
      { field: "state", is: "equals", value: "reconciling" },
      { field: "outcome", is: "absent" },
    ],
  });
  const submitted = patched.record ?? attempt;
  return patched.ok ? checkJob(submitted, 0, deps) : submitted;
}

async function checkJob(attempt: Attempt, intervalMs: number, deps: AttemptsDeps): Promise<Attempt> {
  const nowMs = deps.clock();
  const lastMs = attempt.checkedAtMs ?? attempt.submittedAtMs ?? 0;
  if (attempt.operation === null || nowMs - lastMs < intervalMs) return attempt;
  const provider = deps.providerOf(attempt.provider);
  const model = deps.modelOf(attempt.model);
  if (!provider || !model) return giveUpWhenOld(attempt, deps);
  let outcome: Outcome | null;
  try {
    outcome = await askForOutcome({ ...attempt, operation: attempt.operation }, provider, model, deps);
  } catch (error) {
    const givenUp = isAtelierError(error, "ProviderUnavailable") && (await giveUpWhenOld(attempt, deps));
    if (givenUp && givenUp.state === "unknown") return givenUp;
    // A provider that does not answer is not asked again at once for each of its jobs.
    await deps.attempts.patch(attempt.attemptId, {
      set: { checkedAtMs: nowMs },
      when: [{ field: "outcome", is: "absent" }],
    });
    throw error;
  }
  if (outcome) return recordOutcome(attempt.attemptId, outcome, deps);
  if (nowMs > attempt.deadlineAtMs + OVERDUE_MS) await stopOverdue(attempt.operation, provider);
  const patched = await deps.attempts.patch(attempt.attemptId, {
    set: { checkedAtMs: nowMs },
    when: [{ field: "outcome", is: "absent" }],
  });
  return giveUpWhenOld(patched.record ?? attempt, deps);
}

async function giveUpWhenOld(attempt: Attempt, deps: AttemptsDeps): Promise<Attempt> {
  const ageMs = deps.clock() - (attempt.submittingAtMs ?? attempt.createdAtMs);
  return attempt.outcome || ageMs < GIVE_UP_MS ? attempt : giveUp(attempt, deps);
}

async function giveUp(attempt: Attempt, deps: AttemptsDeps): Promise<Attempt> {
  const patched = await deps.attempts.patch(attempt.attemptId, {
    set: { state: "unknown" },
    when: [
      { field: "outcome", is: "absent" },
      { field: "state", is: "one-of", values: ["reconciling", "submitted"] },
    ],
  });
  // As it stands now: the token of a newer run may have come meanwhile.
  return patched.ok ? bookGivenUp(patched.record, deps) : (patched.record ?? attempt);
}

/** The whole hold is booked: better our loss in the books than a budget that lies. */
async function bookGivenUp(attempt: Attempt, deps: AttemptsDeps): Promise<Attempt> {
  const booked = await settle(attempt.attemptId, attempt.holdMicros, deps);
  if (attempt.token) {
    const cause = {
      errorType: "OutcomeUnknown",
      errorMessage: "Nobody could learn what became of the paid call.",
    };
    await deps.workflow.answer(attempt.token, {
      ok: false,
      error: "OutcomeUnknown",
      cause: JSON.stringify(cause),
    });
  }
  return booked;
}

async function lookForLateSuccess(attempt: Attempt, deps: AttemptsDeps): Promise<Attempt> {
  const nowMs = deps.clock();
  const ageMs = nowMs - (attempt.submittingAtMs ?? attempt.createdAtMs);
  if (ageMs > LATE_CHECK_UNTIL_MS) return endUnknown(attempt, deps);
  if (nowMs - (attempt.checkedAtMs ?? 0) < LATE_CHECK_INTERVAL_MS) return attempt;
  const provider = deps.providerOf(attempt.provider);
  const model = deps.modelOf(attempt.model);
  if (!provider || !model || attempt.operation === null) return attempt;
  await deps.attempts.patch(attempt.attemptId, { set: { checkedAtMs: nowMs }, when: [] });
  const outcome = await askForOutcome({ ...attempt, operation: attempt.operation }, provider, model, deps);
  if (!outcome) return attempt;
  const recorded = await recordOutcome(attempt.attemptId, outcome, deps);
  const chargedMicros = recorded.outcome ? chargeOf(recorded, recorded.outcome) : 0;
  return bookCharge(attempt.attemptId, chargedMicros, deps);
}

/** After a day nobody asks any more: the image ends as failed, and the hold stays booked. */
async function endUnknown(attempt: Attempt, deps: AttemptsDeps): Promise<Attempt> {
  return recordOutcome(
    attempt.attemptId,
    {
      kind: "failed",
      name: "OutcomeUnknown",
      message: "For a day nobody could tell what became of the paid call; it is booked as charged.",
      charged: true,
      costMicros: attempt.holdMicros,
      atMs: deps.clock(),
    },
    deps,
  );
}
