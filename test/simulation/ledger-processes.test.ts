import { expect, test } from "vitest";
import { spendInProcesses } from "./ledger-processes.ts";

test("four processes spend from one budget: never beyond it, and nothing stays set aside", async () => {
  const figures = await spendInProcesses(4, 120);
  expect(figures).toMatchObject({
    attempts: 120,
    overspent: 0,
    leakedHolds: 0,
    isProved: true,
    differenceMicros: 0,
  });
  expect(figures.operations).toBeGreaterThan(240);
  // The limit was met, so that it can have been crossed; and most of it was spent.
  expect(figures.refused).toBeGreaterThan(0);
  expect(figures.held).toBeGreaterThan(60);
}, 120_000);
