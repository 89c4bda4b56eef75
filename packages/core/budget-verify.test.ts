import { createAttempts } from "@atelier/aws/dynamo/attempts";
import { createLedgerStore } from "@atelier/aws/dynamo/ledger";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type MemoryTables, startMemoryTables } from "../../test/builders/memory-table.ts";
import { someAttempt } from "../../test/contract/table-fixtures.ts";
import { setBudget } from "./budget.ts";
import { proveBudget } from "./budget-verify.ts";
import { imageIdOf } from "./ids.ts";
import { correct, type LedgerDeps, settle, takeHold } from "./ledger.ts";
import { countersOf, openMonth } from "./ledger-month.ts";

const MONTH = "2026-11";
const MONTH_START_MS = Date.UTC(2026, 9, 31, 23);
let tables: MemoryTables;
let deps: LedgerDeps;
let number = 0;
beforeAll(async () => {
  tables = await startMemoryTables();
});
afterAll(() => tables.close());
beforeEach(async () => {
  const dynamo = await tables.table();
  deps = {
    ledger: createLedgerStore(dynamo),
    attempts: createAttempts(dynamo),
    firstLimits: { dayMicros: 1_000, monthMicros: 5_000 },
  };
});

const prove = () =>
  proveBudget(
    {
      account: "real",
      month: MONTH,
      providers: ["replicate", "stability"],
      monthStartMs: MONTH_START_MS,
      today: "2026-11-22",
      nowMs: Date.UTC(2026, 10, 22, 12),
    },
    deps,
  );

async function held(holdMicros: number, provider = "replicate") {
  const attempt = someAttempt({
    imageId: imageIdOf("req_proof", number++),
    account: "real",
    provider,
    budgetMonth: MONTH,
    budgetDay: "2026-11-22",
    createdAtMs: Date.UTC(2026, 10, 22),
    holdMicros,
  });
  await deps.attempts.putIfAbsent(attempt);
  await takeHold(attempt, deps);
  return attempt;
}

test("nothing bought is proved", async () => {
  expect(await prove()).toMatchObject({ attempts: 0, counters: [], isProved: true });
});

test("what remains is the limit less what was settled and what is held, in each scope", async () => {
  const { attemptId } = await held(300);
  await settle(attemptId, 200, deps);
  await correct(attemptId, 250, deps);
  await held(100, "stability");
  await setBudget(
    { account: "real", localDate: "2026-11-22", scope: "provider:stability", limitMicros: 400 },
    deps,
  );
  const proof = await prove();
  expect(proof).toMatchObject({ attempts: 2, leakedHolds: [], isProved: true });
  expect(Object.fromEntries(proof.counters.map((counter) => [counter.scope, counter]))).toMatchObject({
    day: {
      period: "2026-11-22",
      limitMicros: 1_000,
      remainingMicros: 650,
      spentMicros: 250,
      heldMicros: 100,
    },
    month: { period: MONTH, limitMicros: 5_000, remainingMicros: 4_650, spentMicros: 250, heldMicros: 100 },
    "provider:replicate": { limitMicros: null, remainingMicros: -250, spentMicros: 250, heldMicros: 0 },
    "provider:stability": { limitMicros: 400, remainingMicros: 300, spentMicros: 0, heldMicros: 100 },
  });
});

test("any history of holds, settlements, corrections and limits is proved", async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("hold" as const), micros: fc.integer({ min: 0, max: 300 }) }),
    fc.record({
      kind: fc.constant("settle" as const),
      at: fc.nat(9),
      micros: fc.integer({ min: 0, max: 400 }),
    }),
    fc.record({
      kind: fc.constant("correct" as const),
      at: fc.nat(9),
      micros: fc.integer({ min: 0, max: 600 }),
    }),
    fc.record({ kind: fc.constant("limit" as const), micros: fc.integer({ min: 0, max: 2_000 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
      const dynamo = await tables.table();
      deps = { ...deps, ledger: createLedgerStore(dynamo), attempts: createAttempts(dynamo) };
      const attempts: string[] = [];
      for (const each of steps) {
        const attemptId = "at" in each ? attempts[each.at] : undefined;
        if (each.kind === "hold") attempts.push((await held(each.micros)).attemptId);
        if (each.kind === "settle" && attemptId) await settle(attemptId, each.micros, deps);
        if (each.kind === "correct" && attemptId) await correct(attemptId, each.micros, deps);
        if (each.kind === "limit") {
          await setBudget(
            { account: "real", localDate: "2026-11-22", scope: "day", limitMicros: each.micros },
            deps,
          );
        }
      }
      const proof = await prove();
      expect(proof.counters.filter(({ differenceMicros }) => differenceMicros !== 0)).toStrictEqual([]);
      expect(proof.leakedHolds).toStrictEqual([]);
    }),
    { numRuns: 25 },
  );
});

test("a day that is over is proved with its month, whatever was done to the limit afterwards", async () => {
  const attempt = someAttempt({
    imageId: imageIdOf("req_proof", number++),
    account: "real",
    provider: "replicate",
    budgetMonth: MONTH,
    budgetDay: "2026-11-21",
    createdAtMs: Date.UTC(2026, 10, 21),
    holdMicros: 300,
  });
  await deps.attempts.putIfAbsent(attempt);
  await takeHold(attempt, deps);
  await setBudget({ account: "real", localDate: "2026-11-22", scope: "day", limitMicros: 4_000 }, deps);
  const proof = await prove();
  expect(proof).toMatchObject({ isProved: true });
  expect(proof.counters.find(({ period }) => period === "2026-11-21")).toMatchObject({
    limitMicros: null,
    heldMicros: 300,
    differenceMicros: 0,
  });
});

test("a hold whose outcome has been known for long is found", async () => {
  const { attemptId } = await held(300);
  await deps.attempts.patch(attemptId, {
    set: {
      outcome: {
        kind: "failed",
        name: "ProviderFailed",
        message: "",
        charged: false,
        costMicros: null,
        atMs: Date.UTC(2026, 10, 22, 11),
      },
    },
    when: [],
  });
  expect(await prove()).toMatchObject({ isProved: false, leakedHolds: [attemptId] });
});

test("a hold without an attempt, and a counter that lost money, are found", async () => {
  const attempt = await held(300);
  const row = await openMonth("real", MONTH, deps);
  await deps.ledger.hold(row, {
    key: "img_req_gone_00000-1",
    amountMicros: 50,
    counters: countersOf(attempt),
    openHoldsMax: 500,
  });
  const proof = await prove();
  expect(proof.isProved).toBe(false);
  expect(proof.leakedHolds).toStrictEqual(["img_req_gone_00000-1"]);
  expect(proof.counters.find(({ scope }) => scope === "month")).toMatchObject({ differenceMicros: -50 });
});
