/** @module Four processes and ten thousand holds and settlements on one budget, over one dynalite. */
import { type LedgerFigures, spendInProcesses } from "../test/simulation/ledger-processes.ts";

const PROCESSES = 4;
/** Each is a hold and a settlement, or two: ten thousand and some. */
const ATTEMPTS = 4_400;

/** @throws Error when a limit was crossed, a hold is left, or the ledger disagrees with the attempts */
export async function benchLedger(): Promise<LedgerFigures> {
  const figures = await spendInProcesses(PROCESSES, ATTEMPTS);
  const { overspent, leakedHolds, isProved, differenceMicros } = figures;
  if (overspent > 0 || leakedHolds > 0 || !isProved || differenceMicros !== 0) {
    throw new Error(`The budget does not hold: ${JSON.stringify(figures)}`);
  }
  return figures;
}
