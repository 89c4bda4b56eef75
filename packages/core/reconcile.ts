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
 * One whole pass: what the schedule runs each minute, and `resume` on one machine.
 *
 * @throws the first of its parts' errors, when every part has had its turn
 */
export async function reconcile(deps: ReconcileDeps): Promise<ReconcileReport> {
  const [attempts, parts, ledger] = [
    await outcomeOf(reconcileAttempts(deps)),
    await outcomeOf(reconcileParts({ only: null, restart: true }, deps)),
    await outcomeOf(reconcileLedgers(deps)),
  ];
  return { attempts: attempts(), parts: parts(), ledger: ledger() };
}

/** Waits for some work and answers how it ended: a function that returns its result, or throws its error. */
async function outcomeOf<T>(work: Promise<T>): Promise<() => T> {
  try {
    const result = await work;
    return () => result;
  } catch (error) {
    return () => {
      throw error;
    };
  }
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
