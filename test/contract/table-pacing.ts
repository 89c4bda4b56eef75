/** @module Pacing's item: one compare-and-set, and what the first release left in its place. */
import { createDynamo, type Dynamo } from "@atelier/aws/dynamo/client";
import { pacingKey } from "@atelier/aws/dynamo/keys";
import { createPacingStore } from "@atelier/aws/dynamo/pacing";
import { createPacing } from "@atelier/core/pacing-rounds";
import { emptyPacingRow, type PacingRow } from "@atelier/core/pacing-row";
import type { PacingStore } from "@atelier/core/ports";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type MakeTable, START_MS, type TestTable } from "./table-fixtures.ts";

export function describePacingContract(makeTable: MakeTable): void {
  let table: TestTable;
  let dynamo: Dynamo;
  let store: PacingStore;
  beforeAll(async () => {
    table = await makeTable();
    dynamo = createDynamo(table);
    store = createPacingStore(dynamo);
  });
  afterAll(() => table.close());

  const full = (provider: string): PacingRow => ({
    provider,
    revision: 1,
    tokens: -12.345678901234567,
    refilledAtMs: START_MS + 0.25,
    taken: Array.from({ length: 125 }, (_, age) => age),
    lineEndsAtMs: { plan: START_MS + 1 / 3, interactive: 0 },
    placesLineEndsAtMs: START_MS,
    restUntilMs: 0,
    faults: 5,
    openUntilMs: START_MS + 30_000,
    openForMs: 30_000,
    openedBy: "fault",
    probe: { attemptId: "img_x_0000-1", untilMs: START_MS },
    day: { date: "2026-11-22", creates: 3 },
    month: { month: "2026-11", creates: 30 },
    running: Object.fromEntries(
      Array.from({ length: 100 }, (_, index) => [`img_x_${index}-1`, START_MS + index]),
    ),
  });

  test("what is written is read back, whatever it holds", async () => {
    expect(await store.read("whole")).toBeUndefined();
    expect(await store.write(full("whole"))).toBe(true);
    expect(await store.read("whole")).toStrictEqual(full("whole"));
    const emptied = { ...emptyPacingRow("whole"), revision: 2 };
    expect(await store.write(emptied)).toBe(true);
    expect(await store.read("whole")).toStrictEqual(emptied);
  });

  test("a row is only written over the one that it was made from", async () => {
    const row = emptyPacingRow("guarded");
    expect(await store.write({ ...row, revision: 2 })).toBe(false);
    expect(await store.write({ ...row, revision: 1, faults: 1 })).toBe(true);
    expect(await store.write({ ...row, revision: 1, faults: 9 })).toBe(false);
    expect(await store.write({ ...row, revision: 3, faults: 9 })).toBe(false);
    const racing = await Promise.all(
      Array.from({ length: 20 }, (_, racer) => store.write({ ...row, revision: 2, faults: racer + 10 })),
    );
    expect(racing.filter(Boolean)).toHaveLength(1);
    expect((await store.read("guarded"))?.faults).toBe(10 + racing.indexOf(true));
  });

  test("the rest that the first release noted still counts, and the row grows over it", async () => {
    await dynamo.put({ ...pacingKey("old"), restUntilMs: START_MS + 5_000 });
    expect(await store.read("old")).toStrictEqual({
      ...emptyPacingRow("old"),
      restUntilMs: START_MS + 5_000,
    });
    let nowMs = START_MS;
    const limits = { createsPerMinute: 600, concurrent: null, createsPerDay: null, createsPerMonth: null };
    const pacing = createPacing({
      store,
      clock: () => nowMs,
      limitsOf: () => limits,
      timezone: "UTC",
      isRunning: async () => true,
    });
    const turn = {
      provider: "old",
      attemptId: "img_old_0000-1",
      lane: "interactive",
      deadlineAtMs: START_MS + 300_000,
    } as const;
    expect(await pacing.take(turn)).toStrictEqual({ kind: "wait", waitMs: 5_000, reason: "rest" });
    nowMs += 5_000;
    expect(await pacing.take(turn)).toStrictEqual({ kind: "go" });
    expect(await store.read("old")).toMatchObject({ revision: 2, restUntilMs: START_MS + 5_000 });
  });

  test("a damaged row is named", async () => {
    await dynamo.put({ ...pacingKey("damaged"), revision: "one" });
    await expect(store.read("damaged")).rejects.toMatchObject({ name: "StorageUnavailable" });
  });

  test("eight processes share what there is: no token twice", async () => {
    const limits = { createsPerMinute: 600, concurrent: null, createsPerDay: 25, createsPerMonth: null };
    const processes = Array.from({ length: 8 }, () =>
      createPacing({
        store,
        clock: () => START_MS,
        limitsOf: () => limits,
        timezone: "UTC",
        isRunning: async () => true,
      }),
    );
    const answers = await Promise.all(
      processes.flatMap((pacing, worker) =>
        Array.from({ length: 10 }, (_, index) =>
          pacing.take({
            provider: "shared",
            attemptId: `img_${worker}_${index}-1`,
            lane: "interactive",
            deadlineAtMs: START_MS + 300_000,
          }),
        ),
      ),
    );
    expect(answers.filter(({ kind }) => kind === "go")).toHaveLength(25);
    expect(answers.filter(({ kind }) => kind === "quota")).toHaveLength(55);
    expect((await store.read("shared"))?.day).toStrictEqual({ date: "2026-11-22", creates: 25 });
  });
}
