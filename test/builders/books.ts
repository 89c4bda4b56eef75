/** @module The books as they must be: what each counter has given out, from the attempts alone. */
import type { Attempt } from "@atelier/core/attempt";
import { countersOf } from "@atelier/core/ledger-month";
import type { LedgerRow } from "@atelier/core/ledger-store";

export interface Books {
  /** Counter name to what was taken of it: its limit (0 without one) less what remains. */
  readonly taken: Readonly<Record<string, number>>;
  /** Amounts of the holds above zero. */
  readonly holds: Readonly<Record<string, number>>;
  readonly openHolds: number;
}

/** What the ledger's item says. */
export function booksOf(row: LedgerRow): Books {
  const taken = Object.fromEntries(
    Object.entries(row.remaining).map(([counter, left]) => {
      const limit = counter.startsWith("d.") ? "d" : counter;
      return [counter, (row.limits[limit] ?? 0) - left] as const;
    }),
  );
  const holds = Object.fromEntries(Object.entries(row.holds).filter(([, amount]) => amount > 0));
  return { taken: withoutZeros(taken), holds, openHolds: row.openHolds };
}

/**
 * What it must say once everything is reconciled: settled amounts and corrections of every attempt of the month, and whole
 * holds for those that `open` names.
 */
export function expectedBooks(month: string, attempts: readonly Attempt[], open: readonly string[]): Books {
  const taken: Record<string, number> = {};
  const holds: Record<string, number> = {};
  for (const attempt of attempts.filter((candidate) => candidate.budgetMonth === month)) {
    const isOpen = open.includes(attempt.attemptId);
    if (isOpen) holds[attempt.attemptId] = attempt.holdMicros;
    const micros = isOpen
      ? attempt.holdMicros
      : (attempt.settledMicros ?? 0) + (attempt.correctionMicros ?? 0);
    for (const { counter } of countersOf(attempt)) taken[counter] = (taken[counter] ?? 0) + micros;
  }
  return { taken: withoutZeros(taken), holds, openHolds: Object.keys(holds).length };
}

function withoutZeros(amounts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(amounts).filter(([, amount]) => amount !== 0));
}
