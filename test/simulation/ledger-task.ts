/** @module What a process of `ledger-processes.ts` is told, and what it says. */
import * as z from "zod";

export const ledgerTaskSchema = z.strictObject({
  endpoint: z.string(),
  tableName: z.string(),
  processNumber: z.int(),
  /** Each takes a hold and settles it, some of them twice. */
  attempts: z.int().positive(),
  /** Callers at once in the process. */
  atOnce: z.int().positive(),
  seed: z.int(),
  /** yyyy-mm */
  month: z.string(),
});
export type LedgerTask = z.infer<typeof ledgerTaskSchema>;

export const ledgerReportSchema = z.strictObject({
  /** Holds and settlements that were asked for. */
  operations: z.int(),
  held: z.int(),
  refused: z.int(),
  /** Calls that were told to come again. */
  busy: z.int(),
  settledMicros: z.int(),
  /** Looks at the ledger that found a counter below zero. */
  belowZero: z.int(),
});
