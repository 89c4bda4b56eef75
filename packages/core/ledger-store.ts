/** @module What the ledger needs from a store: an item for each month, changed by conditional updates. */
import type { Micros } from "./money.ts";

/** `m` month, `d.{date}`, `p.{provider}`, `c.{category}`: the counters that an amount is taken from. */
export interface LedgerRow {
  readonly account: "real" | "sandbox";
  /** yyyy-mm */
  readonly month: string;
  /** Counter name to what remains; absent: nothing taken yet. */
  readonly remaining: Readonly<Record<string, number>>;
  /** `m`, `d`, `p.{provider}`, `c.{category}` to the limit; a scope without one is counted below zero and never refuses. */
  readonly limits: Readonly<Record<string, number>>;
  /** Hold key (attempt id, or attempt id and `+correction`) to the amount; 0 is a tombstone: applied. */
  readonly holds: Readonly<Record<string, number>>;
  readonly openHolds: number;
  /** Raised whenever tombstones are removed; guards `apply` against a hold that came back under the same key. */
  readonly sweeps: number;
}

/**
 * The ledger's item of a month: each method is one conditional update (DESIGN section 5). `false` or `"stale"` means
 * that the item has changed since it was read: read again and decide anew.
 */
export interface LedgerStore {
  read(account: LedgerRow["account"], month: string): Promise<LedgerRow | undefined>;
  /** Creates the month's item with its limits; leaves an existing one alone. */
  open(account: LedgerRow["account"], month: string, limits: Readonly<Record<string, number>>): Promise<void>;
  /**
   * Takes the amount from every counter (`if_not_exists(counter, limit) - amount`; limit 0 for a scope without one), notes
   * the hold and counts it, IF no counter with a limit is below the amount, the limits are as in `row`, no hold stands
   * under the key and fewer than `openHoldsMax` are open.
   */
  hold(
    row: LedgerRow,
    hold: { key: string; amountMicros: Micros; counters: readonly LedgerCounter[]; openHoldsMax: number },
  ): Promise<boolean>;
  /**
   * Replaces the hold by a tombstone and gives `holdMicros - chargedMicros` back to every counter, IF the hold, `sweeps` and
   * the limits are as in `row`. Without a hold the charge alone is taken and a tombstone left.
   */
  apply(
    row: LedgerRow,
    settle: { key: string; chargedMicros: Micros; counters: readonly LedgerCounter[] },
  ): Promise<boolean>;
  /** Removes tombstones and raises `sweeps`, IF each is still a tombstone. */
  sweep(row: LedgerRow, keys: readonly string[]): Promise<boolean>;
  /** Gives a whole hold back and removes it, IF the amount is as in `row`; raises `sweeps`. */
  giveBack(row: LedgerRow, key: string, counters: readonly LedgerCounter[]): Promise<boolean>;
  /** Sets or removes (null) a limit and moves the counter by the difference, IF the limit is as in `row`. */
  setLimit(
    row: LedgerRow,
    limit: { name: string; counter: string; limitMicros: Micros | null },
  ): Promise<boolean>;
}
export interface LedgerCounter {
  /** `m`, `d.2026-11-22`, `p.replicate`, `c.feet` */
  readonly counter: string;
  /** Name in `limits`: `m`, `d`, `p.replicate`, `c.feet` */
  readonly limit: string;
}
