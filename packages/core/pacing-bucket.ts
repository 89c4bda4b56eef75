/**
 * @module How many creates a minute: a token bucket that sets the pace, and a count of the last window that sets the bound.
 *
 * The provider takes L creates in any window W (600 in 60 s). The bucket refills at 0.95 L/W and saves up 0.07 L, so that a batch of L
 * is sent in 0.98 W with a second to spare for waits that are rounded to whole seconds. The bucket alone would let 1.02 L through in the first
 * W; the count stops it at L. The count covers W and 2.5 s more, which 0.95 L/W does not quite fill, so it does not slow a steady
 * stream. What it covers beyond W is for clocks that differ and for the time between taking a token and the create's arrival at
 * the provider: while both together stay below it (less one slice), no window at the provider holds more than L.
 * `docs/decisions/0019-pacing-by-bucket-and-window.md` has the proof.
 */
import type { ProviderLimits } from "./catalogue.ts";
import type { Lane, PacingRow } from "./pacing-row.ts";

const RATE_SHARE = 0.95;
const BURST_SHARE = 0.07;
/** Of the limit: what the plan leaves in the bucket. */
const RESERVE_SHARE = 0.01;
/** Saved up even while the window is nearly full: what comes in while those that wait sleep out their whole seconds. */
const BRIDGE_MS = 1_500;

const WINDOW_SECONDS = 60;
const SLICES_A_WINDOW = 120;
/** How late a create may arrive, by clocks and by the wire, after its token was taken. */
export const LATENESS_MS = 2_500;

/** A row that is further ahead than this was written by a clock that is wrong: time starts again at our own. */
export const CLOCKS_APART_MAX_MS = 5_000;

/** Whoever waits comes back at least this often: the line is a hint, and those before may have given up. */
export const WAIT_MAX_MS = 5 * 60_000;

export interface Rate {
  readonly perMs: number;
  /** The most tokens that are saved up while little was taken lately; at least one. */
  readonly burst: number;
  /** The most that are saved up otherwise. */
  readonly bridge: number;
  /** What the plan leaves. */
  readonly reserve: number;
  /** Creates in any window. */
  readonly windowMax: number;
  /** The count of the last window is kept in slices of this length ... */
  readonly sliceMs: number;
  /** ... and covers as many. */
  readonly slices: number;
}

/** Null: the provider has no such limit. */
export function rateOf(limits: Pick<ProviderLimits, "createsPerMinute" | "windowSeconds">): Rate | null {
  if (limits.createsPerMinute === null) return null;
  const windowMs = 1_000 * (limits.windowSeconds ?? WINDOW_SECONDS);
  const limit = (limits.createsPerMinute * windowMs) / 60_000;
  const sliceMs = windowMs / SLICES_A_WINDOW;
  // In a short window the allowance for lateness is more than the twentieth that is left.
  const perMs = Math.min((RATE_SHARE * limit) / windowMs, limit / (windowMs + LATENESS_MS));
  const bridge = Math.max(1, BRIDGE_MS * perMs);
  const burst = Math.max(bridge, BURST_SHARE * limit);
  return {
    perMs,
    burst,
    bridge,
    reserve: Math.min(RESERVE_SHARE * limit, bridge - 1),
    windowMax: Math.max(1, Math.floor(limit)),
    sliceMs,
    slices: Math.ceil((windowMs + LATENESS_MS) / sliceMs),
  };
}

type Bucket = Pick<PacingRow, "tokens" | "refilledAtMs" | "taken">;

/** The bucket now. Time never goes back, however far the clocks of those that write are apart. */
export function refilled<Row extends Bucket>(row: Row, rate: Rate, nowMs: number): Row {
  const isAhead = row.refilledAtMs > nowMs + CLOCKS_APART_MAX_MS;
  const atMs = isAhead ? nowMs : Math.max(row.refilledAtMs, nowMs);
  const elapsedMs = isAhead ? 0 : atMs - row.refilledAtMs;
  const slices = isAhead ? 0 : sliceOf(atMs, rate) - sliceOf(row.refilledAtMs, rate);
  const taken = slices >= rate.slices ? [] : [...zeros(slices), ...row.taken].slice(0, rate.slices);
  const savedMax = Math.max(rate.bridge, Math.min(rate.burst, rate.windowMax - sum(taken)));
  return {
    ...row,
    tokens: Math.min(savedMax, row.tokens + elapsedMs * rate.perMs),
    refilledAtMs: atMs,
    taken,
  };
}

/** @returns the bucket without the tokens, or null when it has not as many for this lane; `row` is refilled */
export function withoutTokens<Row extends Bucket>(row: Row, rate: Rate, lane: Lane, count = 1): Row | null {
  if (row.tokens < count + reserveFor(lane, rate)) return null;
  if (sum(row.taken) + count > rate.windowMax) return null;
  const [newest = 0, ...older] = row.taken;
  return { ...row, tokens: row.tokens - count, taken: [newest + count, ...older] };
}

/**
 * Takes a place at the end of the lane's line.
 *
 * @param row refilled
 * @param notBeforeMs nobody is served earlier, whatever the bucket holds
 */
export function lined(
  row: PacingRow,
  rate: Rate | null,
  lane: Lane,
  notBeforeMs: number,
  nowMs: number,
): { row: PacingRow; waitMs: number } {
  const earliestMs = Math.max(notBeforeMs, rate ? nextTokenAtMs(row, rate, lane) : 0);
  // By the clock that is furthest ahead: it is the one that fills the bucket.
  const fromMs = Math.max(nowMs, rate ? row.refilledAtMs : 0);
  const { plan, interactive } = row.lineEndsAtMs;
  const lineEndMs = Math.min(
    lane === "plan" ? Math.max(plan, interactive) : interactive,
    fromMs + WAIT_MAX_MS,
  );
  const turnAtMs = Math.max(earliestMs, lineEndMs, fromMs);
  const spacingMs = rate ? 1 / rate.perMs : UNPACED_SPACING_MS;
  return {
    row: { ...row, lineEndsAtMs: { ...row.lineEndsAtMs, [lane]: turnAtMs + spacingMs } },
    waitMs: Math.min(WAIT_MAX_MS, Math.max(1, Math.ceil(turnAtMs - fromMs))),
  };
}

/** After a rest, where nothing says how many creates a minute there may be. */
const UNPACED_SPACING_MS = 100;

/** When the lane finds a token if nobody else takes one. */
function nextTokenAtMs(row: Bucket, rate: Rate, lane: Lane): number {
  const missing = Math.max(0, 1 + reserveFor(lane, rate) - row.tokens);
  return Math.max(row.refilledAtMs + missing / rate.perMs, windowOpensAtMs(row, rate));
}

/** When enough of what was taken is no longer counted. */
function windowOpensAtMs(row: Bucket, rate: Rate): number {
  let excess = sum(row.taken) + 1 - rate.windowMax;
  if (excess <= 0) return row.refilledAtMs;
  const newest = sliceOf(row.refilledAtMs, rate);
  for (let age = row.taken.length - 1; age > 0; age--) {
    excess -= row.taken[age] ?? 0;
    if (excess <= 0) return (newest - age + rate.slices) * rate.sliceMs;
  }
  return (newest + rate.slices) * rate.sliceMs;
}

function reserveFor(lane: Lane, rate: Rate): number {
  return lane === "plan" ? rate.reserve : 0;
}

function sliceOf(atMs: number, { sliceMs }: Rate): number {
  return Math.floor(atMs / sliceMs);
}

function zeros(count: number): number[] {
  return Array.from({ length: count }, () => 0);
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
