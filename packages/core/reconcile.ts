/**
 * @module The reconciler: the backstop behind webhooks, crashes and lost answers. It reads what is open, asks providers,
 * brings the ledger up to date and starts parts again whose owner is known not to run.
 *
 * Every function may run any number of times at once, in any number of processes.
 */
import { reconcileLedger } from "./ledger.ts";
import { type AttemptsDeps, type AttemptsReport, reconcileAttempts } from "./reconcile-attempts.ts";
import { type PartsDeps, type PartsReport, reconcileParts } from "./reconcile-parts.ts";
import { localDateOf } from "./schedule.ts";
import { allInTurn, startTurns, throwFailures } from "./turns.ts";

export interface ReconcileDeps extends Omit<AttemptsDeps, "workflow">, Omit<PartsDeps, "workflow"> {
  readonly workflow: AttemptsDeps["workflow"] & PartsDeps["workflow"];
  readonly timezone: string;
}

export interface ReconcileReport {
  readonly attempts: AttemptsReport;
  readonly parts: PartsReport;
  readonly ledger: { readonly applied: number; readonly givenBack: number; readonly swept: number };
}

/**
 * One whole pass: what the schedule runs each minute.
 *
 * @throws AtelierError what failed, as `allInTurn`, when every part of it has had its turn
 */
export function reconcile(deps: ReconcileDeps): Promise<ReconcileReport> {
  return allInTurn({
    attempts: () => reconcileAttempts(deps),
    parts: async () => {
      const report = await reconcileParts({ only: null, restart: true }, deps);
      throwFailures(report.failed);
      return report;
    },
    ledger: () => reconcileLedgers(deps),
  });
}

/** This month's and last month's of both accounts. @throws AtelierError what failed, when each has had its turn */
export async function reconcileLedgers(deps: ReconcileDeps): Promise<ReconcileReport["ledger"]> {
  const totals = { applied: 0, givenBack: 0, swept: 0 };
  const today = localDateOf(deps.clock(), deps.timezone);
  const lastMonth = localDateOf(deps.clock() - Number(today.slice(8)) * 24 * 60 * 60 * 1000, deps.timezone);
  const turns = startTurns();
  for (const account of ["real", "sandbox"] as const) {
    for (const month of [today.slice(0, 7), lastMonth.slice(0, 7)]) {
      await turns.give(`${account} ${month}`, async () => {
        const counts = await reconcileLedger(account, month, deps);
        totals.applied += counts.applied;
        totals.givenBack += counts.givenBack;
        totals.swept += counts.swept;
      });
    }
  }
  turns.end();
  return totals;
}
