/**
 * @module Proof that the ledger agrees with the attempts: for every counter of a month, what remains is its limit less what
 * attempts have settled and what is held. Nothing is mended here; the reconciler does that.
 */
import type { Attempt } from "./attempt.ts";
import { attemptIdOfKey, correctionKeyOf } from "./ledger.ts";
import { type Account, countersOf, scopeOf } from "./ledger-month.ts";
import type { LedgerRow, LedgerStore } from "./ledger-store.ts";
import type { Micros } from "./money.ts";
import { all } from "./pages.ts";
import type { Attempts } from "./ports.ts";

export interface CounterProof {
  /** `month`, `day`, `provider:replicate`, `category:feet` */
  readonly scope: string;
  /** yyyy-mm or yyyy-mm-dd */
  readonly period: string;
  /** Null: the scope has no limit and is counted from zero, or it is a day that is over, whose limit nobody keeps. */
  readonly limitMicros: Micros | null;
  readonly remainingMicros: Micros;
  /** By the attempts. */
  readonly spentMicros: Micros;
  readonly heldMicros: Micros;
  /** `remaining - (limit - spent - held)`: 0 when it is conserved. */
  readonly differenceMicros: Micros;
}

export interface BudgetProof {
  readonly account: Account;
  readonly month: string;
  readonly attempts: number;
  readonly counters: readonly CounterProof[];
  /** Holds whose attempt does not exist, or is settled and applied: money that nobody would give back by itself. */
  readonly leakedHolds: readonly string[];
  readonly isProved: boolean;
}

/** The records are read while others write: a difference that is gone at the second look was none. */
const LOOKS = 3;

/**
 * @param providers whose attempts are drawn from the account
 * @param monthStartMs attempts created before cannot be of the month
 */
export async function proveBudget(
  input: {
    readonly account: Account;
    readonly month: string;
    readonly providers: readonly string[];
    readonly monthStartMs: number;
    /** yyyy-mm-dd, local: a day before it is proved with its month, since the day's limit may have changed afterwards. */
    readonly today: string;
    readonly nowMs: number;
  },
  deps: { readonly ledger: Pick<LedgerStore, "read">; readonly attempts: Pick<Attempts, "ofProvider"> },
): Promise<BudgetProof> {
  let proof = await look(input, deps);
  for (let again = 1; again < LOOKS && !proof.isProved; again++) proof = await look(input, deps);
  return proof;
}

async function look(
  { account, month, providers, monthStartMs, today, nowMs }: Parameters<typeof proveBudget>[0],
  deps: Parameters<typeof proveBudget>[1],
): Promise<BudgetProof> {
  // Before the first amount there is no item.
  const row = (await deps.ledger.read(account, month)) ?? emptyRow(account, month);
  const attempts = new Map<string, Attempt>();
  for (const provider of providers) {
    for await (const attempt of all((page) => deps.attempts.ofProvider(provider, monthStartMs, page))) {
      if (attempt.account === account && attempt.budgetMonth === month) {
        attempts.set(attempt.attemptId, attempt);
      }
    }
  }
  const counters = countersIn(row, attempts).map((counter) => proofOf(counter, row, attempts, today));
  const leakedHolds = Object.keys(row.holds).filter((key) => isLeaked(key, row, attempts, nowMs));
  return {
    account,
    month,
    attempts: attempts.size,
    counters,
    leakedHolds,
    isProved: leakedHolds.length === 0 && counters.every(({ differenceMicros }) => differenceMicros === 0),
  };
}

function emptyRow(account: Account, month: string): LedgerRow {
  return { account, month, remaining: {}, limits: {}, holds: {}, openHolds: 0, sweeps: 0 };
}

interface NamedCounter {
  readonly counter: string;
  readonly limit: string;
}

function countersIn(row: LedgerRow, attempts: ReadonlyMap<string, Attempt>): NamedCounter[] {
  const found = new Map<string, NamedCounter>();
  for (const attempt of attempts.values()) {
    for (const named of countersOf(attempt)) found.set(named.counter, named);
  }
  for (const counter of Object.keys(row.remaining)) {
    if (!found.has(counter)) found.set(counter, { counter, limit: counter.startsWith("d.") ? "d" : counter });
  }
  return [...found.values()].sort((one, other) => (one.counter < other.counter ? -1 : 1));
}

function proofOf(
  named: NamedCounter,
  row: LedgerRow,
  attempts: ReadonlyMap<string, Attempt>,
  today: string,
): CounterProof {
  const isOver = named.limit === "d" && named.counter.slice(2) < today;
  const limitMicros = isOver ? null : (row.limits[named.limit] ?? null);
  let spentMicros = 0;
  let heldMicros = 0;
  for (const attempt of attempts.values()) {
    if (!countersOf(attempt).some(({ counter }) => counter === named.counter)) continue;
    const hold = row.holds[attempt.attemptId];
    const correction = row.holds[correctionKeyOf(attempt.attemptId)];
    // A tombstone says "applied" before the attempt does.
    if (attempt.ledgerApplied || hold === 0) spentMicros += attempt.settledMicros ?? 0;
    if (attempt.correctionApplied || correction === 0) spentMicros += attempt.correctionMicros ?? 0;
    heldMicros += (hold ?? 0) + (correction ?? 0);
  }
  const remainingMicros = row.remaining[named.counter] ?? limitMicros ?? 0;
  return {
    scope: scopeOf(named.limit),
    period: named.counter.startsWith("d.") ? named.counter.slice(2) : row.month,
    limitMicros,
    remainingMicros,
    spentMicros,
    heldMicros,
    differenceMicros: isOver ? 0 : remainingMicros - ((limitMicros ?? 0) - spentMicros - heldMicros),
  };
}

/** Whoever learns an outcome settles it at once, or the reconciler does with its next passes. */
const SETTLED_AFTER_MS = 15 * 60 * 1000;

function isLeaked(
  key: string,
  row: LedgerRow,
  attempts: ReadonlyMap<string, Attempt>,
  nowMs: number,
): boolean {
  if (row.holds[key] === 0) return false;
  const attempt = attempts.get(attemptIdOfKey(key));
  if (attempt === undefined) return true;
  const isForgotten = attempt.outcome !== null && nowMs - attempt.outcome.atMs > SETTLED_AFTER_MS;
  return attempt.attemptId === key && (attempt.ledgerApplied || isForgotten);
}
