import { createAttempts } from "@atelier/aws/dynamo/attempts";
import type { Dynamo } from "@atelier/aws/dynamo/client";
import { createLedgerStore } from "@atelier/aws/dynamo/ledger";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { booksOf, expectedBooks } from "../../test/builders/books.ts";
import { createInterleaver } from "../../test/builders/interleaver.ts";
import { type MemoryTables, startMemoryTables } from "../../test/builders/memory-table.ts";
import { someAttempt } from "../../test/contract/table-fixtures.ts";
import type { Attempt } from "./attempt.ts";
import { setBudget } from "./budget.ts";
import { isAtelierError } from "./errors.ts";
import { imageIdOf } from "./ids.ts";
import {
  applyCorrection,
  applySettlement,
  correct,
  type LedgerDeps,
  OPEN_HOLDS_MAX,
  reconcileLedger,
  settle,
  takeHold,
} from "./ledger.ts";
import { openMonth } from "./ledger-month.ts";
import type { LedgerRow } from "./ledger-store.ts";

let tables: MemoryTables;
let dynamo: Dynamo;
let deps: LedgerDeps;
let requests = 0;

beforeAll(async () => {
  tables = await startMemoryTables();
});
afterAll(() => tables.close());
beforeEach(async () => {
  dynamo = await tables.table();
  deps = {
    ledger: createLedgerStore(dynamo),
    attempts: createAttempts(dynamo),
    firstLimits: { dayMicros: 100, monthMicros: 1_000 },
  };
});

const DAYS = ["2026-11-30", "2026-12-01"] as const;

/** An attempt of an image of its own, pinned to a day. */
async function made(holdMicros: number, budgetDay: string = DAYS[0], fields: Partial<Attempt> = {}) {
  const attempt = someAttempt({
    imageId: imageIdOf("req_ledger", requests++),
    account: "real",
    provider: "replicate",
    budgetDay,
    budgetMonth: budgetDay.slice(0, 7),
    holdMicros,
    listMicros: holdMicros,
    ...fields,
  });
  await deps.attempts.putIfAbsent(attempt);
  return attempt;
}

async function rowOf(month: string = DAYS[0].slice(0, 7)): Promise<LedgerRow> {
  const row = await deps.ledger.read("real", month);
  if (!row) throw new Error(`The ledger of ${month} is not open.`);
  return row;
}

async function fresh(attempts: readonly Attempt[]): Promise<Attempt[]> {
  const read = await Promise.all(attempts.map(({ attemptId }) => deps.attempts.get(attemptId)));
  return read.filter((attempt) => attempt !== undefined);
}

/** As the reconciler does it: every open attempt, then the months. */
async function reconciled(attempts: readonly Attempt[]): Promise<void> {
  for (const attempt of await fresh(attempts)) {
    await applySettlement(attempt, deps);
    await applyCorrection(attempt, deps);
  }
  for (const day of DAYS) await reconcileLedger("real", day.slice(0, 7), deps);
}

describe("holds", () => {
  test("the first hold opens the month with the first limits, the next month copies them", async () => {
    expect(await takeHold(await made(30), deps)).toEqual({ kind: "held" });
    expect(await rowOf()).toMatchObject({
      limits: { d: 100, m: 1_000 },
      remaining: { m: 970 },
      openHolds: 1,
    });
    const change = { account: "real", localDate: DAYS[0], scope: "day", limitMicros: 40 } as const;
    await setBudget(change, deps);
    await setBudget({ ...change, scope: "category:feet", limitMicros: 35 }, deps);
    expect(await takeHold(await made(36, DAYS[1]), deps)).toEqual({
      kind: "refused",
      scope: "category:feet",
      remainingMicros: 35,
      neededMicros: 36,
    });
    expect((await rowOf("2026-12")).limits).toEqual({ d: 40, m: 1_000, "c.feet": 35 });
  });

  test("January copies December's limits", async () => {
    await deps.ledger.open("real", "2026-12", { m: 7, d: 3 });
    expect((await openMonth("real", "2027-01", deps)).limits).toEqual({ m: 7, d: 3 });
  });

  test("200 concurrent holds against a limit of 50: exactly 50", async () => {
    deps = { ...deps, firstLimits: { dayMicros: 50, monthMicros: 1_000 } };
    const attempts = await Promise.all(Array.from({ length: 200 }, () => made(1)));
    const results = await Promise.all(attempts.map((attempt) => takeHold(attempt, deps)));
    expect(results.filter(({ kind }) => kind === "held")).toHaveLength(50);
    expect(results.filter(({ kind }) => kind === "refused")).toHaveLength(150);
    expect(await rowOf()).toMatchObject({ remaining: { "d.2026-11-30": 0, m: 950 }, openHolds: 50 });
  });

  test("who comes to the warning is told, also by holds at the same moment", async () => {
    const attempts = await Promise.all(Array.from({ length: 9 }, () => made(9)));
    const results = await Promise.all(attempts.map((attempt) => takeHold(attempt, deps)));
    const told = results.flatMap((result) => (result.kind === "held" ? (result.crossed ?? []) : []));
    expect(told.map(({ scope, period, limitMicros }) => [scope, period, limitMicros])).toContainEqual([
      "day",
      DAYS[0],
      100,
    ]);
    expect(told.every(({ usedMicros }) => usedMicros >= 80)).toBe(true);
    expect(await takeHold(await made(1, DAYS[1]), deps)).toEqual({ kind: "held" });
  });

  test("the same hold any number of times at once is taken once", async () => {
    const attempt = await made(10);
    const results = await Promise.all(Array.from({ length: 20 }, () => takeHold(attempt, deps)));
    expect(results).toEqual(Array(20).fill({ kind: "held" }));
    expect(await rowOf()).toMatchObject({ remaining: { m: 990 }, openHolds: 1 });
  });

  test("with 500 holds open the ledger is busy, and free again after one is settled", async () => {
    deps = { ...deps, firstLimits: { dayMicros: 10_000, monthMicros: 10_000 } };
    const attempt = await made(1);
    await takeHold(attempt, deps);
    const full = await rowOf();
    // The other 499, without their attempts: the item counts them, and only it decides.
    const nearlyFull = {
      ...deps.ledger,
      read: async (...of: Parameters<typeof deps.ledger.read>) => {
        const row = await deps.ledger.read(...of);
        return row && { ...row, openHolds: row.openHolds + OPEN_HOLDS_MAX - 1 };
      },
    };
    const other = await made(1);
    await expect(takeHold(other, { ...deps, ledger: nearlyFull })).rejects.toMatchObject({
      name: "LedgerBusy",
    });
    expect(await rowOf()).toStrictEqual(full);
    await settle(attempt.attemptId, 0, deps);
    expect(await takeHold(other, { ...deps, ledger: nearlyFull })).toEqual({ kind: "held" });
  });

  test("a call that costs nothing sets nothing aside, and settles", async () => {
    const attempt = await made(0);
    expect(await takeHold(attempt, deps)).toEqual({ kind: "held" });
    expect(await settle(attempt.attemptId, 0, deps)).toMatchObject({ ledgerApplied: true });
    expect((await rowOf()).holds).toEqual({});
  });

  test("after the attempt is applied a delayed caller is told so", async () => {
    const attempt = await made(10);
    await takeHold(attempt, deps);
    await settle(attempt.attemptId, 4, deps);
    expect(await takeHold(attempt, deps)).toEqual({ kind: "applied" });
  });
});

describe("settling", () => {
  test("the first amount stands: a settle after a release changes nothing", async () => {
    const attempt = await made(10);
    await takeHold(attempt, deps);
    await settle(attempt.attemptId, 0, deps);
    expect(await settle(attempt.attemptId, 7, deps)).toMatchObject({ settledMicros: 0 });
    expect((await rowOf()).remaining.m).toBe(1_000);
  });

  test("a charge that comes to light after a release is a correction, booked once", async () => {
    const attempt = await made(10);
    await takeHold(attempt, deps);
    await settle(attempt.attemptId, 0, deps);
    await Promise.all([correct(attempt.attemptId, 7, deps), correct(attempt.attemptId, 7, deps)]);
    expect(await correct(attempt.attemptId, 9, deps)).toMatchObject({
      correctionMicros: 7,
      correctionApplied: true,
    });
    expect((await rowOf()).remaining.m).toBe(993);
    expect(await correct(attempt.attemptId, 0, deps)).toMatchObject({ correctionMicros: 7 });
  });

  test("midnight moves no money: a hold of November is settled in November", async () => {
    const attempt = await made(10, DAYS[0]);
    await takeHold(attempt, deps);
    await takeHold(await made(20, DAYS[1]), deps);
    await settle(attempt.attemptId, 6, deps);
    expect((await rowOf("2026-11")).remaining).toMatchObject({ m: 994, "d.2026-11-30": 94 });
    expect((await rowOf("2026-12")).remaining).toMatchObject({ m: 980, "d.2026-12-01": 80 });
  });

  test("a charge above the hold goes below zero, and nothing more is bought", async () => {
    const attempt = await made(100);
    await takeHold(attempt, deps);
    await settle(attempt.attemptId, 130, deps);
    expect(await takeHold(await made(1), deps)).toMatchObject({ kind: "refused", remainingMicros: -30 });
  });

  test("a hold that comes after the release is given back whole", async () => {
    const attempt = await made(10);
    await openMonth("real", "2026-11", deps);
    await settle(attempt.attemptId, 0, deps);
    expect(await takeHold(attempt, deps)).toEqual({ kind: "held" });
    expect(await reconcileLedger("real", "2026-11", deps)).toMatchObject({ givenBack: 1 });
    expect(await rowOf()).toMatchObject({ holds: {}, openHolds: 0, remaining: { m: 1_000 } });
  });

  test("a crash between attempt and ledger is made good by the reconciler", async () => {
    const attempt = await made(10);
    await takeHold(attempt, deps);
    await deps.attempts.patch(attempt.attemptId, { set: { settledMicros: 4 }, when: [] });
    expect(await reconcileLedger("real", "2026-11", deps)).toMatchObject({ applied: 1 });
    expect((await rowOf()).remaining.m).toBe(996);
    expect(await fresh([attempt])).toMatchObject([{ ledgerApplied: true }]);
  });

  test("nothing is given back or swept for an attempt that is not known to be applied", async () => {
    const attempt = await made(10);
    await takeHold(attempt, deps);
    expect(await reconcileLedger("real", "2026-11", deps)).toEqual({ applied: 0, givenBack: 0, swept: 0 });
    const row = await rowOf();
    await deps.ledger.apply(row, { key: attempt.attemptId, chargedMicros: 4, counters: [] });
    expect(await reconcileLedger("real", "2026-11", deps)).toEqual({ applied: 0, givenBack: 0, swept: 0 });
    expect((await rowOf()).holds).toEqual({ [attempt.attemptId]: 0 });
  });

  test("tombstones are swept by whoever settles next", async () => {
    deps = { ...deps, firstLimits: { dayMicros: 10_000, monthMicros: 10_000 } };
    for (let number = 0; number < 62; number++) {
      await settle((await made(5)).attemptId, 5, deps);
    }
    const row = await rowOf();
    expect(row.sweeps).toBeGreaterThan(0);
    expect(Object.keys(row.holds).length).toBeLessThan(60);
    expect(row.remaining.m).toBe(10_000 - 62 * 5);
  });

  test("an attempt that does not exist is named", async () => {
    await expect(settle("img_none-1", 1, deps)).rejects.toMatchObject({ name: "UnknownName" });
    await expect(correct("img_none-1", 1, deps)).rejects.toMatchObject({ name: "UnknownName" });
  });
});

type Command =
  | { kind: "hold" | "catch-up"; of: number }
  | { kind: "settle" | "correct"; of: number; amountMicros: number }
  | { kind: "reconcile" }
  | { kind: "limit"; scope: string; day: number; limitMicros: number | null };

const ATTEMPTS = 4;
const of = fc.nat(ATTEMPTS - 1);
const amountMicros = fc.constantFrom(0, 7, 30, 45);
const commandOf: fc.Arbitrary<Command> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("hold" as const), of }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("settle" as const), of, amountMicros }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("correct" as const), of, amountMicros }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("catch-up" as const), of }) },
  { weight: 2, arbitrary: fc.constant({ kind: "reconcile" as const }) },
  {
    weight: 2,
    arbitrary: fc.oneof(
      fc.record({
        kind: fc.constant("limit" as const),
        scope: fc.constantFrom("day", "month"),
        day: fc.nat(1),
        limitMicros: fc.constantFrom<number | null>(50, 90, 200),
      }),
      fc.record({
        kind: fc.constant("limit" as const),
        scope: fc.constantFrom("provider:replicate", "category:feet"),
        day: fc.nat(1),
        limitMicros: fc.constantFrom<number | null>(null, 20, 60),
      }),
    ),
  },
);

/** Runs the commands at once under the seed's command, in a fresh table, and looks at the books. */
async function play(commands: readonly Command[], seed: number, mishapShare: number) {
  dynamo = await tables.table();
  const plain: LedgerDeps = {
    ledger: createLedgerStore(dynamo),
    attempts: createAttempts(dynamo),
    firstLimits: { dayMicros: 90, monthMicros: 200 },
  };
  deps = plain;
  const interleaver = createInterleaver(seed, mishapShare);
  const crossed: string[] = [];
  const ledger = interleaver.gated(
    {
      ...plain.ledger,
      async hold(...call: Parameters<typeof plain.ledger.hold>) {
        const taken = await plain.ledger.hold(...call);
        const row = taken ? await plain.ledger.read(call[0].account, call[0].month) : undefined;
        for (const { counter, limit } of call[1].counters) {
          if (row && limit in row.limits && (row.remaining[counter] ?? 0) < 0) crossed.push(counter);
        }
        return taken;
      },
    },
    ["read", "open", "hold", "apply", "sweep", "giveBack", "setLimit"],
  );
  const gated: LedgerDeps = {
    ...plain,
    ledger,
    attempts: interleaver.gated(plain.attempts, ["get", "patch"]),
  };
  const attempts: Attempt[] = [];
  for (let number = 0; number < ATTEMPTS; number++) {
    attempts.push(await made([30, 40, 45, 60][number] ?? 1, DAYS[number === 3 ? 1 : 0]));
  }
  const attemptAt = (index: number) => attempts[index] ?? someAttempt();
  const held = new Set<string>();
  const flowOf = (command: Command) => async () => {
    switch (command.kind) {
      case "hold": {
        const attempt = attemptAt(command.of);
        if ((await takeHold(attempt, gated)).kind === "held") held.add(attempt.attemptId);
        return;
      }
      case "settle":
        return settle(attemptAt(command.of).attemptId, command.amountMicros, gated);
      case "correct":
        return correct(attemptAt(command.of).attemptId, command.amountMicros, gated);
      case "catch-up": {
        const attempt = await gated.attempts.get(attemptAt(command.of).attemptId);
        if (!attempt) return;
        await applySettlement(attempt, gated);
        return applyCorrection(attempt, gated);
      }
      case "reconcile":
        for (const day of DAYS) await reconcileLedger("real", day.slice(0, 7), gated);
        return;
      case "limit":
        return setBudget(
          {
            account: "real",
            localDate: DAYS[command.day] ?? DAYS[0],
            scope: command.scope,
            limitMicros: command.limitMicros,
          },
          gated,
        );
    }
  };
  const unexpected: unknown[] = [];
  await interleaver.run(commands.map(flowOf), (error) => {
    if (!isAtelierError(error, "StorageUnavailable")) unexpected.push(error);
  });
  await reconciled(attempts);
  await reconciled(attempts);
  const after = await fresh(attempts);
  return { unexpected, crossed, after, held, calls: interleaver.calls };
}

describe("any interleaving of holds, settlements, corrections, limits, crashes, lost answers and reconcilers", () => {
  const seen = { crashes: 0, lost: 0, repeated: 0 };

  // Seconds alone; on a busy machine many more.
  test("leaks nothing, loses nothing, crosses no budget", { timeout: 180_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(commandOf, { minLength: 4, maxLength: 12 }),
        fc.integer(),
        fc.constantFrom(0, 8),
        async (commands, seed, mishapShare) => {
          const { unexpected, crossed, after, held, calls } = await play(commands, seed, mishapShare);
          expect(unexpected).toEqual([]);
          expect(crossed).toEqual([]);
          const unsettled = after.filter(({ settledMicros }) => settledMicros === null);
          for (const attempt of after) {
            expect(attempt.ledgerApplied).toBe(attempt.settledMicros !== null);
            expect(attempt.correctionApplied).toBe(attempt.correctionMicros !== null);
          }
          for (const day of DAYS) {
            const month = day.slice(0, 7);
            const row = await deps.ledger.read("real", month);
            if (!row) continue;
            const open = unsettled.filter(({ attemptId }) => (row.holds[attemptId] ?? 0) > 0);
            expect(booksOf(row)).toEqual(
              expectedBooks(
                month,
                after,
                open.map(({ attemptId }) => attemptId),
              ),
            );
            expect(Object.values(row.holds)).not.toContain(0);
          }
          // Whoever was told "held" still has the money, unless the attempt was settled.
          for (const attempt of unsettled.filter(({ attemptId }) => held.has(attemptId))) {
            const row = await deps.ledger.read("real", attempt.budgetMonth);
            expect(row?.holds[attempt.attemptId]).toBe(attempt.holdMicros);
          }
          seen.crashes += calls["crash-before"] + calls["crash-after"];
          seen.lost += calls["lost-answer"];
          seen.repeated += calls.repeated;
        },
      ),
      { numRuns: 15 },
    );
    // The runs have met what they are about.
    expect(Math.min(seen.crashes, seen.lost, seen.repeated)).toBeGreaterThan(0);
  });

  test("a settlement that is applied, swept and held again meanwhile is still applied once", async () => {
    // One slow settler is overtaken, at each of its store calls in turn, by everything that could make it apply twice.
    for (let stopAt = 0; stopAt < 6; stopAt++) {
      dynamo = await tables.table();
      deps = {
        ledger: createLedgerStore(dynamo),
        attempts: createAttempts(dynamo),
        firstLimits: { dayMicros: 100, monthMicros: 1_000 },
      };
      const attempt = await made(30);
      await takeHold(attempt, deps);
      let call = 0;
      const overtake = async () => {
        if (call++ !== stopAt) return;
        await settle(attempt.attemptId, 12, deps);
        await reconcileLedger("real", "2026-11", deps);
        await takeHold(attempt, deps);
      };
      const slow: LedgerDeps = {
        ...deps,
        ledger: {
          ...deps.ledger,
          read: async (...args) => {
            await overtake();
            return deps.ledger.read(...args);
          },
          apply: async (...args) => {
            await overtake();
            return deps.ledger.apply(...args);
          },
        },
        attempts: {
          ...deps.attempts,
          get: async (...args) => {
            await overtake();
            return deps.attempts.get(...args);
          },
          patch: async (...args) => {
            await overtake();
            return deps.attempts.patch(...args);
          },
        },
      };
      await settle(attempt.attemptId, 12, slow);
      await reconciled([attempt]);
      expect(await rowOf()).toMatchObject({ remaining: { m: 988 }, holds: {}, openHolds: 0 });
    }
  });
});
