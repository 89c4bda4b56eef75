/** @module The ledger of a month: its limits, its counters, and whether an amount fits into what is left. */
import type { Attempt } from "./attempt.ts";
import { AtelierError } from "./errors.ts";
import type { LedgerCounter, LedgerRow, LedgerStore } from "./ledger-store.ts";
import { formatUsd, type Micros } from "./money.ts";

/** How far back limits are looked for when a month begins. */
const LIMITS_REMEMBERED_MONTHS = 12;

export type Account = LedgerRow["account"];

export interface LedgerLimits {
  readonly dayMicros: Micros;
  readonly monthMicros: Micros;
}

/** What a month's ledger is opened with. */
export interface LedgerOpening {
  readonly ledger: LedgerStore;
  /** For the first month of a ledger; afterwards the limits of the last month that was used are copied. */
  readonly firstLimits: LedgerLimits;
}

/** What of an attempt the ledger needs: pinned at its creation, so midnight moves no money. */
export type Booking = Pick<
  Attempt,
  "attemptId" | "account" | "budgetMonth" | "budgetDay" | "provider" | "category" | "holdMicros"
>;

/** A budget that is used to its warning or beyond. */
export interface BudgetCrossing {
  /** `month`, `day`, `provider:replicate`, `category:feet` */
  readonly scope: string;
  /** yyyy-mm or yyyy-mm-dd */
  readonly period: string;
  readonly limitMicros: Micros;
  /** Spent and held. */
  readonly usedMicros: Micros;
}

export type HoldResult =
  | {
      readonly kind: "held";
      /** Budgets that are used to their warning with this hold; left out where none is. */
      readonly crossed?: readonly BudgetCrossing[];
    }
  /** The attempt is settled and applied already: a delayed caller. */
  | { readonly kind: "applied" }
  | {
      readonly kind: "refused";
      /** `month`, `day`, `provider:replicate`, `category:feet` */
      readonly scope: string;
      readonly remainingMicros: Micros;
      readonly neededMicros: Micros;
    };

/** The counters that an attempt's money is taken from. */
export function countersOf(booking: Pick<Booking, "budgetDay" | "provider" | "category">): LedgerCounter[] {
  return [
    { counter: "m", limit: "m" },
    { counter: `d.${booking.budgetDay}`, limit: "d" },
    { counter: `p.${booking.provider}`, limit: `p.${booking.provider}` },
    { counter: `c.${booking.category}`, limit: `c.${booking.category}` },
  ];
}

/** What a counter has left, or null when its scope has no limit. */
export function remainingOf(row: LedgerRow, counter: LedgerCounter): Micros | null {
  const limit = row.limits[counter.limit];
  return limit === undefined ? null : (row.remaining[counter.counter] ?? limit);
}

/** The month's item, created with the limits of the last month that was used (else the first limits) when it is new. */
export async function openMonth(account: Account, month: string, deps: LedgerOpening): Promise<LedgerRow> {
  const existing = await deps.ledger.read(account, month);
  if (existing) return existing;
  await deps.ledger.open(account, month, await limitsOfNew(account, month, deps));
  const opened = await deps.ledger.read(account, month);
  if (!opened)
    throw new AtelierError("StorageUnavailable", `The ledger of ${month} could not be opened; try again.`);
  return opened;
}

/** The month as it is, or as it would be opened: writes nothing. */
export async function monthToBe(account: Account, month: string, deps: LedgerOpening): Promise<LedgerRow> {
  const existing = await deps.ledger.read(account, month);
  if (existing) return existing;
  const limits = await limitsOfNew(account, month, deps);
  return { account, month, limits, remaining: {}, holds: {}, openHolds: 0, sweeps: 0 };
}

async function limitsOfNew(
  account: Account,
  month: string,
  deps: LedgerOpening,
): Promise<LedgerRow["limits"]> {
  const before = await latestBefore(account, month, deps);
  return before?.limits ?? { m: deps.firstLimits.monthMicros, d: deps.firstLimits.dayMicros };
}

/** The last month that was used: what `budget set` said then still holds after an idle month. */
async function latestBefore(
  account: Account,
  month: string,
  deps: Pick<LedgerOpening, "ledger">,
): Promise<LedgerRow | undefined> {
  let earlier = month;
  for (let back = 0; back < LIMITS_REMEMBERED_MONTHS; back++) {
    earlier = monthBefore(earlier);
    const row = await deps.ledger.read(account, earlier);
    if (row) return row;
  }
  return undefined;
}

/** The first scope that an amount does not fit into, or null when it fits everywhere. */
export function shortfall(
  row: LedgerRow,
  counters: readonly LedgerCounter[],
  neededMicros: Micros,
): Extract<HoldResult, { kind: "refused" }> | null {
  for (const counter of counters) {
    const remainingMicros = remainingOf(row, counter);
    if (remainingMicros !== null && remainingMicros < neededMicros) {
      return { kind: "refused", scope: scopeOf(counter.limit), remainingMicros, neededMicros };
    }
  }
  return null;
}

/** The share of a budget that is worth a warning. */
export const BUDGET_WARNING_SHARE = 0.8;
export const BUDGET_WARNING_PERCENT = 80;
const OVER_NOTHING_PERCENT = 101;

/**
 * How much of a limit is used, in percent. Exact at whole percents: a product of whole numbers is divided once, where
 * `limit * 0.8` would be a little more or less than four fifths.
 *
 * @returns of a limit of nothing: 0 where nothing is used, else a finite number over 100, for metrics and documents hold no other
 */
export function percentOf(used: number, limit: number): number {
  if (limit === 0) return used > 0 ? OVER_NOTHING_PERCENT : 0;
  return (used * 100) / limit;
}

/** The budgets that are used to their warning or beyond, as the row has them. */
export function crossingsOf(row: LedgerRow, counters: readonly LedgerCounter[]): BudgetCrossing[] {
  return counters.flatMap((counter) => {
    const limitMicros = row.limits[counter.limit];
    const remainingMicros = remainingOf(row, counter);
    if (limitMicros === undefined || remainingMicros === null) return [];
    const usedMicros = limitMicros - remainingMicros;
    if (percentOf(usedMicros, limitMicros) < BUDGET_WARNING_PERCENT) return [];
    const period = counter.limit === "d" ? counter.counter.slice(2) : row.month;
    return [{ scope: scopeOf(counter.limit), period, limitMicros, usedMicros }];
  });
}

function monthBefore(month: string): string {
  const [year = 0, number = 1] = month.split("-").map(Number);
  return number === 1 ? `${year - 1}-12` : `${year}-${String(number - 1).padStart(2, "0")}`;
}

/** `p.replicate` -> `provider:replicate` */
export function scopeOf(limitName: string): string {
  if (limitName === "m") return "month";
  if (limitName === "d") return "day";
  return limitName.startsWith("p.") ? `provider:${limitName.slice(2)}` : `category:${limitName.slice(2)}`;
}

/** The sentence for people: what is left, what is needed, and in which scope. */
export function shortfallMessage(
  refused: Extract<HoldResult, { kind: "refused" }>,
  resetsAt: string,
): string {
  return (
    `The ${refused.scope} budget has ${formatUsd(Math.max(0, refused.remainingMicros))} left and this can cost ` +
    `${formatUsd(refused.neededMicros)}; it resets at ${resetsAt}, or raise it with \`atelier budget set\`.`
  );
}
