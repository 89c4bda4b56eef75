/**
 * @module When each alarm rings, as a function of what was read: no clock, no store, no memory, so the same records give the same
 * answer in whatever order they came, and a clock that is a little off moves no count.
 */
import { consecutiveFailures, slowModels } from "./alarm-models.ts";
import type { AlarmView, DueOccurrence } from "./alarm-view.ts";
import type { AlarmId } from "./alarms.ts";
import type { Attempt } from "./attempt.ts";
import { isTerminal } from "./image.ts";
import { closedReason } from "./installed-health.ts";
import { BUDGET_WARNING_PERCENT, percentOf, remainingOf } from "./ledger-month.ts";
import { formatUsd, usdFromMicros } from "./money.ts";

/** One thing that rings. */
export interface Finding {
  readonly provider: string | null;
  readonly model: string | null;
  /** As far as the records tell. */
  readonly sinceMs: number | null;
  /** Numbers and names; never a prompt. */
  readonly facts: Readonly<Record<string, string | number>>;
  readonly message: string;
}
export type AlarmRule = (view: AlarmView) => readonly Finding[];

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** An execution has eight hours, an image six: whatever is open after a day has been started again and again. */
export const PART_STUCK_MS = DAY_MS;
export const HELD_GRACE_MS = HOUR_MS;
/** An attempt that waits for its turn keeps its hold for as long as its image may try, six hours. */
const WAITING_MAX_MS = 6 * HOUR_MS;
/** An image may try for six hours. */
const PRODUCED_WITHIN_MS = 6 * HOUR_MS;
const FIRED_WITHIN_MS = 2 * HOUR_MS;
const PLANNED_WITHIN_MS = 30 * MINUTE_MS;

/** A job that nobody has asked about for so long. */
export const RECONCILER_LAG_MAX_MS = 15 * MINUTE_MS;
/** Of a provider's quota: time to think of another provider or plan. */
export const QUOTA_WARNING_PERCENT = 80;

/** Null: AWS alone can tell (executions, queues, functions, Rekognition); one machine has no such thing. */
export const ALARM_RULES: Readonly<Record<AlarmId, AlarmRule | null>> = {
  "consecutive-failures": consecutiveFailures,
  "budget-80": (view) => budgetsFrom(BUDGET_WARNING_PERCENT, view),
  "budget-100": (view) => budgetsFrom(100, view),
  "provider-slow": slowModels,
  "quota-80": quotas,
  "executions-failed": null,
  "executions-timed-out": null,
  "executions-aborted": null,
  "executions-stuck": stuckParts,
  "held-too-long": heldTooLong,
  "nothing-produced": missedOccurrences,
  "images-failed": failedImages,
  "providers-unreachable": null,
  "providers-closed": closedAccounts,
  "classifier-failed": null,
  "dead-letters": null,
  "reconciler-behind": waitingJobs,
  "reconciler-errors": null,
  "reconciler-silent": null,
  "abandon-errors": null,
  "webhook-errors": null,
  "upkeep-errors": null,
  "reprocess-errors": null,
  "api-errors": null,
  throttles: null,
};

const ofNobody = { provider: null, model: null } as const;

// ---------------------------------------------------------------------------------------------- money and quotas

export interface BudgetUse {
  readonly scope: "day" | "month";
  /** yyyy-mm-dd or yyyy-mm */
  readonly period: string;
  readonly limitMicros: number;
  /** Spent and held. */
  readonly usedMicros: number;
}

/** How far the budgets of the day and of the month are used; what has no limit has no share. */
export function budgetsUsed({ ledger, today }: Pick<AlarmView, "ledger" | "today">): BudgetUse[] {
  if (!ledger) return [];
  const scopes = [
    { scope: "day", period: today, counter: `d.${today}`, limit: "d" },
    { scope: "month", period: ledger.month, counter: "m", limit: "m" },
  ] as const;
  return scopes.flatMap(({ scope, period, ...counter }) => {
    const limitMicros = ledger.limits[counter.limit];
    const remainingMicros = remainingOf(ledger, counter);
    if (limitMicros === undefined || remainingMicros === null) return [];
    return [{ scope, period, limitMicros, usedMicros: limitMicros - remainingMicros }];
  });
}

function budgetsFrom(percent: number, view: AlarmView): Finding[] {
  return budgetsUsed(view)
    .filter(({ usedMicros, limitMicros }) => percentOf(usedMicros, limitMicros) >= percent)
    .map(({ scope, period, limitMicros, usedMicros }) => ({
      ...ofNobody,
      sinceMs: null,
      facts: { scope, period, percent: percentOf(usedMicros, limitMicros) },
      message: `${formatUsd(usedMicros)} of the ${scope}'s budget of ${formatUsd(limitMicros)} are spent or held (${period}).`,
    }));
}

/** The quota that is used furthest, of those that the provider has. */
export function quotaPercent({ day, month }: AlarmView["accounts"][number]["report"]) {
  const shares = ([["day", day] as const, ["month", month] as const] as const).flatMap(
    ([period, { used, limit }]) =>
      limit === null ? [] : [{ period, used, limit, percent: percentOf(used, limit) }],
  );
  return shares.reduce<(typeof shares)[number] | null>(
    (most, share) => (most === null || share.percent > most.percent ? share : most),
    null,
  );
}

function quotas({ accounts }: AlarmView): Finding[] {
  return accounts.flatMap(({ provider, report }) => {
    const quota = quotaPercent(report);
    if (quota === null || quota.percent < QUOTA_WARNING_PERCENT) return [];
    const { period, used, limit } = quota;
    return [
      {
        provider,
        model: null,
        sinceMs: null,
        facts: { period, used, limit },
        message: `${used} of the ${limit} creates that ${provider} allows in a ${period} are used.`,
      },
    ];
  });
}

function closedAccounts({ accounts }: AlarmView): Finding[] {
  return accounts.flatMap(({ provider, report }) => {
    const reason = closedReason(report);
    if (reason === null) return [];
    return [
      {
        provider,
        model: null,
        sinceMs: null,
        facts: {},
        message: `Nothing is bought from ${provider}: ${reason}.`,
      },
    ];
  });
}

// ---------------------------------------------------------------------------------------------- work that stands still

/** Open parts that have been open for a day. */
export function partsStuck({ parts, nowMs }: Pick<AlarmView, "parts" | "nowMs">) {
  return parts.filter(({ createdAtMs }) => nowMs - createdAtMs > PART_STUCK_MS);
}

function stuckParts(view: AlarmView): Finding[] {
  const [oldest, ...others] = partsStuck(view);
  if (!oldest) return [];
  return [
    {
      ...ofNobody,
      sinceMs: oldest.createdAtMs + PART_STUCK_MS,
      facts: { parts: others.length + 1, request_id: oldest.requestId },
      message: `${count(others.length + 1, "part")} of requests did not end within a day, the oldest of ${oldest.requestId}.`,
    },
  ];
}

/** Attempts whose money is held though they had to be over long ago. */
export function attemptsHeldTooLong({ open, nowMs }: Pick<AlarmView, "open" | "nowMs">) {
  return open.filter((attempt) => !attempt.ledgerApplied && nowMs > mayHoldUntilMs(attempt));
}

function mayHoldUntilMs({ state, createdAtMs, deadlineAtMs }: Attempt): number {
  const endsAtMs = state === "held" ? createdAtMs + WAITING_MAX_MS : deadlineAtMs;
  return endsAtMs + HELD_GRACE_MS;
}

function heldTooLong(view: AlarmView): Finding[] {
  const late = attemptsHeldTooLong(view);
  const first = late.toSorted((one, other) => mayHoldUntilMs(one) - mayHoldUntilMs(other))[0];
  if (!first) return [];
  const heldMicros = late.reduce((sum, { holdMicros }) => sum + holdMicros, 0);
  return [
    {
      ...ofNobody,
      sinceMs: mayHoldUntilMs(first),
      facts: { attempts: late.length, held_usd: usdFromMicros(heldMicros), attempt_id: first.attemptId },
      message: `${formatUsd(heldMicros)} are held for ${count(late.length, "attempt")} that had to be over long ago.`,
    },
  ];
}

const ASKED_ABOUT: ReadonlySet<Attempt["state"]> = new Set(["submitting", "reconciling", "submitted"]);

/** How long the job that was asked about longest ago has waited; 0 with none. */
export function longestWait({ open, nowMs }: Pick<AlarmView, "open" | "nowMs">) {
  return open
    .filter(({ state, outcome }) => ASKED_ABOUT.has(state) && outcome === null)
    .map((attempt) => {
      const { checkedAtMs, submittedAtMs, submittingAtMs, createdAtMs } = attempt;
      const knownAtMs = Math.max(checkedAtMs ?? 0, submittedAtMs ?? 0, submittingAtMs ?? 0, createdAtMs);
      return { attempt, waitedMs: Math.max(0, nowMs - knownAtMs) };
    })
    .reduce<{ attempt: Attempt; waitedMs: number } | null>(
      (most, each) => (most === null || each.waitedMs > most.waitedMs ? each : most),
      null,
    );
}

function waitingJobs(view: AlarmView): Finding[] {
  const longest = longestWait(view);
  if (longest === null || longest.waitedMs <= RECONCILER_LAG_MAX_MS) return [];
  const { attempt, waitedMs } = longest;
  return [
    {
      provider: attempt.provider,
      model: attempt.model,
      sinceMs: view.nowMs - waitedMs + RECONCILER_LAG_MAX_MS,
      facts: { waited_seconds: Math.round(waitedMs / 1000), attempt_id: attempt.attemptId },
      message: `Nobody has asked ${attempt.provider} about ${attempt.attemptId} for ${Math.floor(waitedMs / MINUTE_MS)} minutes.`,
    },
  ];
}

// ---------------------------------------------------------------------------------------------- what came of the plan

function missedOccurrences({ due, calendarUsedAtMs, nowMs }: AlarmView): Finding[] {
  return due.flatMap((occurrence) => {
    const { occurrenceId, scheduledAtMs, images } = occurrence;
    const agoMs = nowMs - scheduledAtMs;
    // Before anything ever fired, nobody used the calendar, or there was no installation.
    const isExpected = calendarUsedAtMs !== null && calendarUsedAtMs <= scheduledAtMs;
    const missed = missedBecause(images, agoMs, isExpected);
    if (missed === null) return [];
    return [
      {
        ...ofNobody,
        sinceMs: scheduledAtMs,
        facts: { occurrence: occurrenceId, images: images?.length ?? 0 },
        message: `${occurrenceId} ${missed}.`,
      },
    ];
  });
}

function missedBecause(images: DueOccurrence["images"], agoMs: number, isExpected: boolean): string | null {
  if (images === null) return isExpected && agoMs > FIRED_WITHIN_MS ? "has not fired" : null;
  if (images.length === 0) return agoMs > PLANNED_WITHIN_MS ? "fired, and nothing was planned" : null;
  if (images.some(({ status }) => status === "completed" || status === "quarantined")) return null;
  if (images.every(({ status }) => status === "cancelled")) return null;
  const isOver = images.every(({ status }) => isTerminal(status));
  return isOver || agoMs > PRODUCED_WITHIN_MS ? `brought none of ${count(images.length, "picture")}` : null;
}

function failedImages({ failedImages: failed, nowMs }: AlarmView): Finding[] {
  const lately = failed.filter(
    ({ finishedAtMs }) => finishedAtMs !== null && nowMs - finishedAtMs <= HOUR_MS,
  );
  const first = lately.toSorted((one, other) => (one.finishedAtMs ?? 0) - (other.finishedAtMs ?? 0))[0];
  if (!first) return [];
  const reasons = [...new Set(lately.map(({ failure }) => failure?.name ?? "Unexpected"))].sort();
  return [
    {
      ...ofNobody,
      sinceMs: first.finishedAtMs,
      facts: { images: lately.length, reasons: reasons.join(" ") },
      message: `${count(lately.length, "image")} failed within an hour: ${reasons.join(", ")}.`,
    },
  ];
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
