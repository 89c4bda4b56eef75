/** @module The money of a simulation: limits that are tight on purpose, and a look at what is left after every write. */
import type { Dynamo } from "@atelier/aws/dynamo/client";
import { createLedgerStore } from "@atelier/aws/dynamo/ledger";

export interface LedgerWatch {
  /** The least that any limited counter ever had left, in micro-USD. */
  leastRemainingMicros: number;
  /** Writes after which a counter was below zero. */
  overspentWrites: number;
}

/**
 * After every write to a ledger: nothing is below zero that has a limit.
 *
 * @param unbilled makes a call that is nobody's: the table in memory answers it at once
 */
export function watched(dynamo: Dynamo, watch: LedgerWatch, unbilled: <T>(look: () => T) => T): Dynamo {
  const ledger = createLedgerStore(dynamo);
  return {
    ...dynamo,
    async update(key, update) {
      const updated = await dynamo.update(key, update);
      const account = key.pk === "LEDGER#real" ? "real" : key.pk === "LEDGER#sandbox" ? "sandbox" : null;
      const row = account && (await unbilled(() => ledger.read(account, key.sk)));
      if (!row) return updated;
      for (const [counter, left] of Object.entries(row.remaining)) {
        const limit = counter.startsWith("d.") ? "d" : counter;
        if (row.limits[limit] === undefined) continue;
        watch.leastRemainingMicros = Math.min(watch.leastRemainingMicros, left);
        if (left < 0) watch.overspentWrites++;
      }
      return updated;
    },
  };
}

/** Tight on purpose: some images must be refused, some by each kind of limit. */
export function limitsFor(images: number): Record<string, number> {
  const perImage = (micros: number) => Math.round(images * micros);
  return {
    m: perImage(36_000),
    d: perImage(13_500),
    "p.midjourney": perImage(18_000),
    "c.weekend_special": perImage(34_000),
  };
}
