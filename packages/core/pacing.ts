/**
 * @module Whether a create may be sent now: the arithmetic over what is remembered about a provider account. Pure; each function
 * returns the row as it would be, and the very same row where nothing changes. `pacing-rounds.ts` reads and writes.
 */
import { resetOf } from "./budget.ts";
import type { ProviderLimits } from "./catalogue.ts";
import { CLOCKS_APART_MAX_MS, lined, rateOf, refilled, withoutTokens } from "./pacing-bucket.ts";
import { type Circuit, circuitMessage, circuitOf, circuitWaitMs, probing } from "./pacing-circuit.ts";
import type { PacingAnswer, PacingRow, PacingTurn } from "./pacing-row.ts";
import { localDateOf } from "./schedule.ts";

export const UNLIMITED: ProviderLimits = {
  createsPerMinute: null,
  concurrent: null,
  createsPerDay: null,
  createsPerMonth: null,
};

export interface PacingRules {
  readonly limits: ProviderLimits;
  /** Where the provider's day and month begin. */
  readonly timezone: string;
}

/** The longest rest that is believed: beyond it a provider or a clock is wrong. */
export const REST_MAX_MS = 60 * 60_000;

/** Somebody looks for a free place as often as this, however many wait. */
const PLACE_ASKED_EVERY_MS = 2_000;
const PLACE_WAIT_MAX_MS = 60_000;

export interface Answered {
  readonly row: PacingRow;
  readonly answer: PacingAnswer;
}

/**
 * One attempt's turn. Asked again by the same attempt it may cost another token, never another place.
 *
 * @returns `go` with the token, the place and the quota taken; else why not, and for how long
 */
export function takeTurn(row: PacingRow, turn: PacingTurn, rules: PacingRules, nowMs: number): Answered {
  const closedForMs = circuitWaitMs(row, turn.attemptId, nowMs);
  if (closedForMs > 0) {
    return {
      row,
      answer: {
        kind: "closed",
        because: row.openedBy ?? "fault",
        waitMs: closedForMs,
        message: circuitMessage(row),
      },
    };
  }
  const used = usedUp(row, rules, nowMs);
  if (used) return { row, answer: used };

  const rate = rateOf(rules.limits);
  const current = rate ? refilled(row, rate, nowMs) : row;
  const restUntilMs = Math.min(row.restUntilMs, nowMs + REST_MAX_MS);
  if (restUntilMs > nowMs) {
    const told = lined(current, rate, turn.lane, restUntilMs, nowMs);
    return { row: told.row, answer: { kind: "wait", waitMs: told.waitMs, reason: "rest" } };
  }
  const placed = withPlace(current, turn, rules.limits, nowMs);
  if (!placed) return linedForPlace(current, nowMs);
  const taken = rate ? withoutTokens(placed, rate, turn.lane) : placed;
  if (rate && !taken) {
    const told = lined(current, rate, turn.lane, nowMs, nowMs);
    return { row: told.row, answer: { kind: "wait", waitMs: told.waitMs, reason: "rate" } };
  }
  return {
    row: counted(probing(taken ?? placed, turn.attemptId, nowMs), rules, nowMs),
    answer: { kind: "go" },
  };
}

/**
 * Tokens to use within the next moments, so that not each create asks the store: as many as wanted while the
 * bucket stays half full, since what is not used is lost. None where each create is counted by name (places, quotas) or the breaker watches.
 */
export function tokensAhead(
  row: PacingRow,
  lane: PacingTurn["lane"],
  wanted: number,
  limits: ProviderLimits,
  nowMs: number,
): { row: PacingRow; tokens: number } {
  const none = { row, tokens: 0 };
  const rate = rateOf(limits);
  const isCounted =
    limits.concurrent !== null || limits.createsPerDay !== null || limits.createsPerMonth !== null;
  if (!rate || isCounted || circuitOf(row, nowMs) !== "closed") return none;
  const current = refilled(row, rate, nowMs);
  const spare = Math.floor(current.tokens - rate.burst / 2);
  const tokens = Math.min(wanted, spare, Math.floor(rate.perMs * 1_000));
  if (tokens < 1) return none;
  const taken = withoutTokens(current, rate, lane, tokens);
  return taken ? { row: taken, tokens } : none;
}

/**
 * The provider said "later" though the bucket had a token: what it holds was wrong, so it fills again from the end of the
 * rest on, when there is one token. Of several rests the longest stands.
 */
export function rested(row: PacingRow, untilMs: number, limits: ProviderLimits, nowMs: number): PacingRow {
  const restUntilMs = Math.min(Math.max(row.restUntilMs, untilMs), nowMs + REST_MAX_MS);
  const rate = rateOf(limits);
  if (!rate) return restUntilMs === row.restUntilMs ? row : { ...row, restUntilMs };
  const current = refilled(row, rate, nowMs);
  const debt = Math.max(0, restUntilMs - current.refilledAtMs) * rate.perMs;
  return { ...current, restUntilMs, tokens: Math.min(current.tokens, 1 - debt) };
}

/** Places of jobs that have ended are free again. */
export function withoutPlaces(row: PacingRow, attemptIds: ReadonlySet<string>): PacingRow {
  if (attemptIds.size === 0) return row;
  const running = Object.entries(row.running).filter(([attemptId]) => !attemptIds.has(attemptId));
  return { ...row, running: Object.fromEntries(running) };
}

/** How an account stands, for people. */
export interface PacingReport {
  readonly circuit: Circuit;
  /** Null while it is closed. */
  readonly openUntilMs: number | null;
  /** Creates of the local day and month; counted only where there is a limit. */
  readonly day: { readonly used: number; readonly limit: number | null };
  readonly month: { readonly used: number; readonly limit: number | null };
  /** Places taken; counted only where they are limited. */
  readonly running: number;
  /** Null: the provider did not ask for a rest. */
  readonly restUntilMs: number | null;
}

/** @param row undefined: nothing was ever asked of the provider */
export function pacingReport(
  row: PacingRow | undefined,
  limits: ProviderLimits,
  nowMs: number,
  timezone: string,
): PacingReport {
  const { day, month } = row ? usageOf(row, timezone, nowMs) : { day: { creates: 0 }, month: { creates: 0 } };
  const circuit = row ? circuitOf(row, nowMs) : "closed";
  return {
    circuit,
    openUntilMs: row && circuit !== "closed" ? row.openUntilMs : null,
    day: { used: day.creates, limit: limits.createsPerDay },
    month: { used: month.creates, limit: limits.createsPerMonth },
    running: row ? Object.values(row.running).filter((untilMs) => untilMs > nowMs).length : 0,
    restUntilMs: row && row.restUntilMs > nowMs ? row.restUntilMs : null,
  };
}

// ---------------------------------------------------------------------------------------------- places

/** The row with the attempt among those that run, or null when all places are taken. Places lapse at the job's deadline. */
function withPlace(
  row: PacingRow,
  turn: PacingTurn,
  limits: ProviderLimits,
  nowMs: number,
): PacingRow | null {
  if (limits.concurrent === null) return row;
  const others = Object.entries(row.running).filter(
    ([attemptId, untilMs]) => untilMs > nowMs && attemptId !== turn.attemptId,
  );
  if (others.length >= limits.concurrent) return null;
  return { ...row, running: { ...Object.fromEntries(others), [turn.attemptId]: turn.deadlineAtMs } };
}

function linedForPlace(row: PacingRow, nowMs: number): Answered {
  const lineEndsAtMs = Math.min(row.placesLineEndsAtMs, nowMs + PLACE_WAIT_MAX_MS - PLACE_ASKED_EVERY_MS);
  const askAtMs = Math.max(lineEndsAtMs, nowMs) + PLACE_ASKED_EVERY_MS;
  return {
    row: { ...row, placesLineEndsAtMs: askAtMs },
    answer: { kind: "wait", waitMs: askAtMs - nowMs, reason: "concurrent" },
  };
}

// ---------------------------------------------------------------------------------------------- quotas

function hasQuota({ createsPerDay, createsPerMonth }: ProviderLimits): boolean {
  return createsPerDay !== null || createsPerMonth !== null;
}

/** Day and month that count now. At midnight the clock that is ahead decides, so that no day is counted twice. */
function usageOf(row: PacingRow, timezone: string, nowMs: number): Pick<PacingRow, "day" | "month"> {
  const today = localDateOf(nowMs, timezone);
  const aheadDate = localDateOf(nowMs + CLOCKS_APART_MAX_MS, timezone);
  const date = row.day.date === aheadDate ? aheadDate : today;
  const month = row.month.month === aheadDate.slice(0, 7) ? row.month.month : today.slice(0, 7);
  return {
    day: row.day.date === date ? row.day : { date, creates: 0 },
    month: row.month.month === month ? row.month : { month, creates: 0 },
  };
}

function usedUp(
  row: PacingRow,
  { limits, timezone }: PacingRules,
  nowMs: number,
): Extract<PacingAnswer, { kind: "quota" }> | null {
  if (!hasQuota(limits)) return null;
  const { day, month } = usageOf(row, timezone, nowMs);
  const answer = (scope: "day" | "month", limit: number, date: string) => ({
    kind: "quota" as const,
    scope,
    limit,
    resetsAtMs: Date.parse(resetOf(scope, date, timezone)),
  });
  // The month first: a new day would not help.
  if (limits.createsPerMonth !== null && month.creates >= limits.createsPerMonth)
    return answer("month", limits.createsPerMonth, `${month.month}-01`);
  if (limits.createsPerDay !== null && day.creates >= limits.createsPerDay)
    return answer("day", limits.createsPerDay, day.date);
  return null;
}

function counted(row: PacingRow, { limits, timezone }: PacingRules, nowMs: number): PacingRow {
  if (!hasQuota(limits)) return row;
  const { day, month } = usageOf(row, timezone, nowMs);
  return {
    ...row,
    day: { ...day, creates: day.creates + 1 },
    month: { ...month, creates: month.creates + 1 },
  };
}
