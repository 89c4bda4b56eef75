/**
 * @module The reconciler: the backstop behind webhooks, crashes and lost answers. It reads what is open, asks providers,
 * brings the ledger up to date and starts parts again whose owner is known not to run. It never submits anything.
 *
 * Every function may run any number of times at once, in any number of processes.
 */
import type { Attempt } from "./attempt.ts";
import type { Model } from "./catalogue.ts";
import { isAtelierError } from "./errors.ts";
import { type Clock, executionNameOf } from "./ids.ts";
import { type Image, isTerminal } from "./image.ts";
import {
  applyCorrection,
  applySettlement,
  correct,
  type LedgerDeps,
  reconcileLedger,
  settle,
} from "./ledger.ts";
import { answerIfBoth, chargeOf, outcomeOf, recordOutcome } from "./outcome.ts";
import type { Blobs, Images, Page, Requests, Workflow } from "./ports.ts";
import type { OperationStatus, Provider } from "./provider.ts";
import { type Part, partIdOf, partIndexes } from "./request.ts";
import { localDateOf } from "./schedule.ts";
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
 * A submitter that lives but has not noted its job for this long has lost it: more than HTTP time-out, function time-out and
 * two minutes.
 */
export const SUBMITTING_MAX_MS = 5 * 60 * 1000;

/** A late success of a job that was given up is looked for this seldom, for a day. */
export const LATE_CHECK_INTERVAL_MS = 10 * 60 * 1000;
export const LATE_CHECK_UNTIL_MS = 24 * 60 * 60 * 1000;

export interface ReconcileDeps extends LedgerDeps {
  readonly requests: Requests;
  readonly images: Images;
  readonly blobs: Blobs;
  readonly workflow: Workflow;
  readonly providerOf: (name: Attempt["provider"]) => Provider | undefined;
  readonly modelOf: (name: string) => Model | undefined;
  readonly clock: Clock;
  readonly timezone: string;
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

export interface PartsReport {
  /** Executions started for parts whose owner had ended. */
  readonly started: readonly string[];
  /** Requests of parts that turned out to be finished. */
  readonly closed: readonly string[];
  /** Parts whose owner runs. */
  readonly owned: number;
  /** Parts in which only a provider's answer is missing. */
  readonly waiting: number;
}

export interface ReconcileReport {
  readonly attempts: AttemptsReport;
  readonly parts: PartsReport;
  readonly ledger: { readonly applied: number; readonly givenBack: number; readonly swept: number };
}

const PAGE_SIZE = 100;

/** One whole pass: what the schedule runs each minute, and `resume` on one machine. */
export async function reconcile(deps: ReconcileDeps): Promise<ReconcileReport> {
  const attempts = await reconcileAttempts(deps);
  const parts = await reconcileParts({ only: null, restart: true }, deps);
  return { attempts, parts, ledger: await reconcileLedgers(deps) };
}

export async function reconcileAttempts(deps: ReconcileDeps): Promise<AttemptsReport> {
  const tally = { learned: 0, givenUp: 0, open: 0 };
  const unreachable = new Set<string>();
  for await (const attempt of all((page) => deps.attempts.open(page))) {
    try {
      const after = await reconcileAttempt(attempt, deps);
      if (after.outcome && !attempt.outcome) tally.learned++;
      if (after.state === "unknown" && attempt.state !== "unknown") tally.givenUp++;
      if (!after.outcome && after.state !== "unknown") tally.open++;
    } catch (error) {
      // One provider that does not answer must not keep the others from being asked.
      if (!isAtelierError(error, "ProviderUnavailable")) throw error;
      unreachable.add(attempt.provider);
      tally.open++;
    }
  }
  return { ...tally, unreachable: [...unreachable] };
}

/**
 * @param scope.only requests to look at; null: all
 * @param scope.restart whether parts without a running owner are started again
 */
export async function reconcileParts(
  scope: { readonly only: readonly string[] | null; readonly restart: boolean },
  deps: ReconcileDeps,
): Promise<PartsReport> {
  const started: string[] = [];
  const closed: string[] = [];
  const tally = { owned: 0, waiting: 0 };
  for await (const part of all((page) => deps.requests.parts.open(page))) {
    if (scope.only && !scope.only.includes(part.requestId)) continue;
    const state = await stateOfPart(part, deps);
    if (state === "owned" || state === "waiting") tally[state]++;
    if (state === "finished" && (await closePart(part, deps))) closed.push(part.requestId);
    if (state === "abandoned" && scope.restart) {
      const name = await restartPart(part, deps);
      if (name) started.push(name);
    }
  }
  return { started, closed, ...tally };
}

async function reconcileAttempt(attempt: Attempt, deps: ReconcileDeps): Promise<Attempt> {
  if (attempt.settledMicros !== null) await catchUp(attempt, deps);
  if (attempt.outcome) {
    // Also the answer that was lost between an outcome and its token.
    await answerIfBoth(attempt, deps);
    return attempt;
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

async function catchUp(attempt: Attempt, deps: ReconcileDeps): Promise<void> {
  await applySettlement(attempt, deps);
  await applyCorrection(attempt, deps);
}

/** Held for an image that has ended or gone on to another attempt: nobody will send it any more. */
async function releaseIfOrphaned(attempt: Attempt, deps: ReconcileDeps): Promise<Attempt> {
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
async function noteDeadSubmitter(attempt: Attempt, deps: ReconcileDeps): Promise<Attempt> {
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

async function findLostCreate(attempt: Attempt, deps: ReconcileDeps): Promise<Attempt> {
  const nowMs = deps.clock();
  if (attempt.operation !== null) return markSubmitted(attempt, attempt.operation, deps);
  if (nowMs - (attempt.checkedAtMs ?? 0) < deps.times.lostCreateGraceMs) return attempt;
  const provider = deps.providerOf(attempt.provider);
  const model = deps.modelOf(attempt.model);
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
  return giveUpWhenOld(attempt, deps);
}

/** Put-if-absent on the operation: a job is never taken for two attempts. */
async function adopt(attempt: Attempt, operation: string, deps: ReconcileDeps): Promise<Attempt> {
  if (!(await deps.attempts.claimOperation(attempt.provider, operation, attempt.attemptId))) {
    return giveUpWhenOld(attempt, deps);
  }
  return markSubmitted(attempt, operation, deps);
}

async function markSubmitted(attempt: Attempt, operation: string, deps: ReconcileDeps): Promise<Attempt> {
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

async function checkJob(attempt: Attempt, intervalMs: number, deps: ReconcileDeps): Promise<Attempt> {
  const nowMs = deps.clock();
  const lastMs = attempt.checkedAtMs ?? attempt.submittedAtMs ?? 0;
  if (attempt.operation === null || nowMs - lastMs < intervalMs) return attempt;
  const provider = deps.providerOf(attempt.provider);
  const model = deps.modelOf(attempt.model);
  if (!provider || !model) return giveUpWhenOld(attempt, deps);
  let status: OperationStatus;
  try {
    status = await provider.check(attempt.operation, model);
  } catch (error) {
    const givenUp = isAtelierError(error, "ProviderUnavailable") && (await giveUpWhenOld(attempt, deps));
    if (givenUp && givenUp.state === "unknown") return givenUp;
    throw error;
  }
  const outcome = await outcomeOf(attempt, status, nowMs, deps.blobs);
  if (outcome) return recordOutcome(attempt.attemptId, outcome, deps);
  const patched = await deps.attempts.patch(attempt.attemptId, {
    set: { checkedAtMs: nowMs },
    when: [{ field: "outcome", is: "absent" }],
  });
  return giveUpWhenOld(patched.record ?? attempt, deps);
}

async function giveUpWhenOld(attempt: Attempt, deps: ReconcileDeps): Promise<Attempt> {
  if (attempt.outcome || deps.clock() - (attempt.submittingAtMs ?? attempt.createdAtMs) < GIVE_UP_MS)
    return attempt;
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
async function bookGivenUp(attempt: Attempt, deps: ReconcileDeps): Promise<Attempt> {
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

async function lookForLateSuccess(attempt: Attempt, deps: ReconcileDeps): Promise<Attempt> {
  const nowMs = deps.clock();
  const ageMs = nowMs - (attempt.submittingAtMs ?? attempt.createdAtMs);
  if (ageMs > LATE_CHECK_UNTIL_MS || nowMs - (attempt.checkedAtMs ?? 0) < LATE_CHECK_INTERVAL_MS)
    return attempt;
  const provider = deps.providerOf(attempt.provider);
  const model = deps.modelOf(attempt.model);
  if (!provider || !model || attempt.operation === null) return attempt;
  await deps.attempts.patch(attempt.attemptId, { set: { checkedAtMs: nowMs }, when: [] });
  const outcome = await outcomeOf(attempt, await provider.check(attempt.operation, model), nowMs, deps.blobs);
  if (!outcome) return attempt;
  const recorded = await recordOutcome(attempt.attemptId, outcome, deps);
  const chargedMicros = recorded.outcome ? chargeOf(recorded, recorded.outcome) : 0;
  return correct(attempt.attemptId, chargedMicros, deps);
}

type PartState =
  /** Its owner runs. */
  | "owned"
  /** Every image of it is terminal. */
  | "finished"
  /** Its owner has ended and something can be done. */
  | "abandoned"
  /** Its owner has ended, and only a provider can say more. */
  | "waiting"
  /** As `waiting`, but nobody will say more soon: the calls were given up and booked. */
  | "stuck";

async function stateOfPart(part: Part, deps: ReconcileDeps): Promise<PartState> {
  if (part.owner !== null && (await deps.workflow.describe(part.owner)) === "running") return "owned";
  const request = await deps.requests.get(part.requestId);
  const images = (await deps.images.ofRequest(part.requestId)).filter((image) => image.part === part.part);
  if (images.length < (request ? partIndexes(request, part.part).length : 0)) return "abandoned";
  const open = images.filter((image) => !isTerminal(image.status));
  if (open.length === 0) return "finished";
  return statesOfImages(open, deps);
}

/** An image whose paid call nobody can tell about waits for its outcome; any other one can be taken up at once. */
async function statesOfImages(open: readonly Image[], deps: ReconcileDeps): Promise<PartState> {
  let state: PartState = "stuck";
  for (const image of open) {
    const attempt = image.currentAttemptId ? await deps.attempts.get(image.currentAttemptId) : undefined;
    if (image.status !== "unknown" || !attempt || attempt.outcome) return "abandoned";
    if (attempt.state !== "unknown") state = "waiting";
  }
  return state;
}

async function closePart(part: Part, deps: ReconcileDeps): Promise<boolean> {
  const patched = await deps.requests.parts.patch(partIdOf(part), {
    set: { open: false },
    when: [
      { field: "generation", is: "equals", value: part.generation },
      { field: "open", is: "equals", value: true },
    ],
  });
  return patched.ok;
}

/** The condition on generation and owner lets one of many reconcilers win. */
async function restartPart(part: Part, deps: ReconcileDeps): Promise<string | null> {
  const generation = part.generation + 1;
  const name = executionNameOf(part.requestId, part.part, generation);
  const patched = await deps.requests.parts.patch(partIdOf(part), {
    set: { generation, owner: name },
    when: [
      { field: "generation", is: "equals", value: part.generation },
      part.owner === null
        ? { field: "owner", is: "absent" }
        : { field: "owner", is: "equals", value: part.owner },
    ],
  });
  if (!patched.ok) return null;
  await deps.workflow.start(name, { requestId: part.requestId, part: part.part, generation });
  return name;
}

export async function reconcileLedgers(deps: ReconcileDeps): Promise<ReconcileReport["ledger"]> {
  const totals = { applied: 0, givenBack: 0, swept: 0 };
  const today = localDateOf(deps.clock(), deps.timezone);
  const lastMonth = localDateOf(deps.clock() - Number(today.slice(8)) * 24 * 60 * 60 * 1000, deps.timezone);
  for (const account of ["real", "sandbox"] as const) {
    for (const month of [today.slice(0, 7), lastMonth.slice(0, 7)]) {
      const counts = await reconcileLedger(account, month, deps);
      totals.applied += counts.applied;
      totals.givenBack += counts.givenBack;
      totals.swept += counts.swept;
    }
  }
  return totals;
}

async function* all<T>(
  read: (page: { limit: number; cursor?: string }) => Promise<Page<T>>,
): AsyncGenerator<T> {
  let cursor: string | null | undefined;
  do {
    const page: Page<T> = await read({ limit: PAGE_SIZE, ...(cursor ? { cursor } : {}) });
    yield* page.items;
    cursor = page.cursor;
  } while (cursor !== null);
}
