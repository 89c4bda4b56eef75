import { createAttempts } from "@atelier/aws/dynamo/attempts";
import { createLedgerStore } from "@atelier/aws/dynamo/ledger";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type MemoryTables, startMemoryTables } from "../../test/builders/memory-table.ts";
import { someAttempt } from "../../test/contract/table-fixtures.ts";
import { budgetReport, checkBudget, resetOf, setBudget } from "./budget.ts";
import { imageIdOf } from "./ids.ts";
import { type LedgerDeps, settle, takeHold } from "./ledger.ts";

let tables: MemoryTables;
let deps: LedgerDeps & { timezone: string };
beforeAll(async () => {
  tables = await startMemoryTables();
});
afterAll(() => tables.close());
beforeEach(async () => {
  const dynamo = await tables.table();
  deps = {
    ledger: createLedgerStore(dynamo),
    attempts: createAttempts(dynamo),
    firstLimits: { dayMicros: 1_000_000, monthMicros: 3_000_000 },
    timezone: "Europe/Paris",
  };
});

const day = { account: "real", localDate: "2026-11-22" } as const;
const set = (scope: string, limitMicros: number | null) => setBudget({ ...day, scope, limitMicros }, deps);
async function holdOf(number: number, holdMicros: number) {
  const attempt = someAttempt({
    imageId: imageIdOf("req_budget", number),
    account: "real",
    provider: "replicate",
    holdMicros,
  });
  await deps.attempts.putIfAbsent(attempt);
  expect(await takeHold(attempt, deps)).toEqual({ kind: "held" });
  return attempt;
}

test("scopes reset at local midnight, also on the days of 23 and 25 hours", () => {
  expect(resetOf("day", "2026-11-22", "Europe/Paris")).toBe("2026-11-22T23:00:00.000Z");
  expect(resetOf("day", "2026-03-29", "Europe/Paris")).toBe("2026-03-29T22:00:00.000Z");
  expect(resetOf("day", "2026-10-25", "Europe/Paris")).toBe("2026-10-25T23:00:00.000Z");
  expect(resetOf("month", "2026-12-31", "Europe/Paris")).toBe("2026-12-31T23:00:00.000Z");
  expect(resetOf("category:feet", "2026-03-01", "Europe/Paris")).toBe("2026-03-31T22:00:00.000Z");
});

describe("a request as a whole", () => {
  const check = (...amounts: ["replicate" | "sandbox", number][]) =>
    checkBudget(
      {
        ...day,
        category: "feet",
        amounts: amounts.map(([provider, amountMicros]) => ({ provider, amountMicros })),
      },
      deps,
    );

  test("passes with exactly what is left, and is refused with a micro more", async () => {
    await holdOf(0, 400_000);
    await check(["replicate", 300_000], ["replicate", 300_000]);
    await expect(check(["replicate", 300_000], ["replicate", 300_001])).rejects.toMatchObject({
      name: "BudgetExceeded",
      message: expect.stringContaining("The day budget has $0.60 left and this can cost $0.600001"),
      data: {
        scope: "day",
        remainingMicros: 600_000,
        neededMicros: 600_001,
        resetsAt: "2026-11-22T23:00:00.000Z",
      },
    });
  });

  test("is held against each provider's own cap by what comes from it", async () => {
    await set("provider:replicate", 100_000);
    await check(["replicate", 100_000], ["sandbox", 800_000]);
    await expect(check(["replicate", 100_001])).rejects.toMatchObject({
      data: { scope: "provider:replicate" },
    });
    await set("category:feet", 150_000);
    await expect(check(["replicate", 100_000], ["sandbox", 50_001])).rejects.toMatchObject({
      data: { scope: "category:feet", neededMicros: 150_001 },
    });
  });

  test("buys and holds nothing", async () => {
    await check(["replicate", 5]);
    expect(await deps.ledger.read("real", "2026-11")).toMatchObject({ remaining: {}, holds: {} });
  });
});

describe("the report", () => {
  test("tells spent, held and left of each scope that has a limit", async () => {
    const attempt = await holdOf(0, 200_000);
    await holdOf(1, 300_000);
    await settle(attempt.attemptId, 50_000, deps);
    await set("category:feet", 400_000);
    expect(await budgetReport("real", "2026-11-22", deps)).toEqual([
      {
        scope: "day",
        period: "2026-11-22",
        limit: 1,
        remaining: 0.65,
        spent: 0.05,
        held: 0.3,
        resets_at: "2026-11-22T23:00:00.000Z",
      },
      {
        scope: "month",
        period: "2026-11",
        limit: 3,
        remaining: 2.65,
        spent: 0.05,
        held: 0.3,
        resets_at: "2026-11-30T23:00:00.000Z",
      },
      {
        scope: "category:feet",
        period: "2026-11",
        limit: 0.4,
        remaining: 0.05,
        spent: 0.05,
        held: 0.3,
        resets_at: "2026-11-30T23:00:00.000Z",
      },
    ]);
    const [tomorrow] = await budgetReport("real", "2026-11-23", deps);
    expect(tomorrow).toMatchObject({ scope: "day", remaining: 1, spent: 0, held: 0 });
  });
});

describe("setting", () => {
  test("the environment's first limits no longer count afterwards", async () => {
    await set("day", 70_000);
    deps = { ...deps, firstLimits: { dayMicros: 9, monthMicros: 9 } };
    expect((await budgetReport("real", "2026-11-22", deps)).map(({ limit }) => limit)).toEqual([0.07, 3]);
    expect((await budgetReport("real", "2026-12-01", deps)).map(({ limit }) => limit)).toEqual([0.07, 3]);
  });

  test("concurrent changes all take effect, the counter stays exact", async () => {
    await holdOf(0, 30);
    await Promise.all([10, 20, 30, 40].map((amount) => set("month", amount * 1_000)));
    const row = await deps.ledger.read("real", "2026-11");
    expect((row?.limits.m ?? 0) - (row?.remaining.m ?? 0)).toBe(30);
  });

  test("a cap comes and goes; day and month stay", async () => {
    await set("provider:replicate", 5);
    await set("provider:replicate", null);
    expect((await deps.ledger.read("real", "2026-11"))?.limits).toEqual({ d: 1_000_000, m: 3_000_000 });
    await expect(set("day", null)).rejects.toMatchObject({ name: "UsageError" });
    await expect(set("month", null)).rejects.toMatchObject({ name: "UsageError" });
  });

  test.each(["week", "provider:", "provider:Rep licate", "category", ""])(
    '"%s" is no budget',
    async (scope) => {
      await expect(set(scope, 5)).rejects.toMatchObject({
        name: "UsageError",
        message: expect.stringContaining("take day, month, provider:NAME or category:NAME"),
      });
    },
  );
});
