/** @module The ledger's item: no number of concurrent calls crosses a limit, and nothing counts twice. */
import { createDynamo } from "@atelier/aws/dynamo/client";
import { ledgerKey } from "@atelier/aws/dynamo/keys";
import { createLedgerStore } from "@atelier/aws/dynamo/ledger";
import type { LedgerRow, LedgerStore } from "@atelier/core/ledger-store";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { losingAnAnswer, type MakeTable, type TestTable } from "./table-fixtures.ts";

const ALL = [
  { counter: "m", limit: "m" },
  { counter: "d.2026-11-22", limit: "d" },
  { counter: "p.replicate", limit: "p.replicate" },
  { counter: "c.feet", limit: "c.feet" },
];
const LIMITS = { m: 1_000, d: 100, "p.replicate": 500 };

export function describeLedgerContract(makeTable: MakeTable): void {
  let table: TestTable;
  let ledger: LedgerStore;
  let months = 0;
  let month: string;

  beforeAll(async () => {
    table = await makeTable();
    ledger = createLedgerStore(createDynamo(table));
  });
  afterAll(() => table.close());
  beforeEach(() => {
    month = `2026-${String(++months).padStart(2, "0")}`;
  });

  async function read(): Promise<LedgerRow> {
    const row = await ledger.read("real", month);
    if (!row) throw new Error(`The ledger of ${month} is not open.`);
    return row;
  }
  async function opened(limits: Record<string, number> = LIMITS): Promise<LedgerRow> {
    await ledger.open("real", month, limits);
    return read();
  }
  const holdOf = (key: string, amountMicros: number, openHoldsMax = 500) => ({
    key,
    amountMicros,
    counters: ALL,
    openHoldsMax,
  });
  const settleOf = (key: string, chargedMicros: number) => ({ key, chargedMicros, counters: ALL });

  /** As a caller does it: reads, decides, writes; a hold under the key is success. */
  async function take(key: string, amountMicros: number): Promise<boolean> {
    for (;;) {
      const row = await read();
      if (row.holds[key] !== undefined) return true;
      const left = ALL.map(
        ({ counter, limit }) => row.remaining[counter] ?? row.limits[limit] ?? amountMicros,
      );
      if (Math.min(...left) < amountMicros) return false;
      if (await ledger.hold(row, holdOf(key, amountMicros))) return true;
    }
  }

  test("a period is opened once, with its limits", async () => {
    expect(await ledger.read("real", month)).toBeUndefined();
    const row = await opened();
    expect(row).toStrictEqual({
      account: "real",
      month,
      remaining: {},
      limits: LIMITS,
      holds: {},
      openHolds: 0,
      sweeps: 0,
    });
    await ledger.open("real", month, { m: 5 });
    expect(await read()).toStrictEqual(row);
    expect(await ledger.read("sandbox", month)).toBeUndefined();
  });

  test("the first hold of a period starts its counters; a scope without a limit counts from zero", async () => {
    expect(await ledger.hold(await opened(), holdOf("a", 30))).toBe(true);
    expect(await read()).toMatchObject({ holds: { a: 30 }, openHolds: 1 });
    expect((await read()).remaining).toStrictEqual({
      m: 970,
      "d.2026-11-22": 70,
      "p.replicate": 470,
      "c.feet": -30,
    });
  });

  test("a cap set in the middle of a month, after spending and with holds open, is exact", async () => {
    await ledger.hold(await opened(), holdOf("spent", 40));
    await ledger.apply(await read(), settleOf("spent", 25));
    await ledger.apply(await read(), settleOf("spent+correction", 5));
    await ledger.hold(await read(), holdOf("open", 20));
    expect((await read()).remaining["c.feet"]).toBe(-50);
    const feet = { name: "c.feet", counter: "c.feet" };
    expect(await ledger.setLimit(await read(), { ...feet, limitMicros: 60 })).toBe(true);
    expect(await read()).toMatchObject({ limits: { "c.feet": 60 }, remaining: { "c.feet": 10 } });
    expect(await ledger.hold(await read(), holdOf("too much", 11))).toBe(false);
    expect(await ledger.hold(await read(), holdOf("just", 10))).toBe(true);
    await ledger.apply(await read(), settleOf("open", 0));
    expect((await read()).remaining["c.feet"]).toBe(20);
    // Taken off and set again: what was spent meanwhile counts.
    expect(await ledger.setLimit(await read(), { ...feet, limitMicros: null })).toBe(true);
    await ledger.apply(await read(), settleOf("just", 7));
    expect(await ledger.setLimit(await read(), { ...feet, limitMicros: 100 })).toBe(true);
    expect((await read()).remaining["c.feet"]).toBe(100 - 25 - 5 - 7);
    expect((await read()).remaining.m).toBe(1_000 - 25 - 5 - 7);
  });

  test("a hold of exactly what is left passes, of more not; more than a limit never", async () => {
    const row = await opened();
    expect(await ledger.hold(row, holdOf("a", 101))).toBe(false);
    expect(await ledger.hold(row, holdOf("a", 60))).toBe(true);
    expect(await ledger.hold(row, holdOf("b", 41))).toBe(false);
    expect(await ledger.hold(row, holdOf("b", 40))).toBe(true);
    expect((await read()).remaining["d.2026-11-22"]).toBe(0);
    expect((await read()).remaining.m).toBe(900);
  });

  test("nothing is held in a period that is not open", async () => {
    const row: LedgerRow = {
      account: "real",
      month,
      remaining: {},
      limits: {},
      holds: {},
      openHolds: 0,
      sweeps: 0,
    };
    expect(await ledger.hold(row, holdOf("a", 1))).toBe(false);
    expect(await ledger.apply(row, settleOf("a", 1))).toBe(false);
    expect(await ledger.setLimit(row, { name: "m", counter: "m", limitMicros: 5 })).toBe(false);
    expect(await ledger.read("real", month)).toBeUndefined();
  });

  test("20 racing holds under one key: taken once", async () => {
    const row = await opened();
    const taken = await Promise.all(Array.from({ length: 20 }, () => ledger.hold(row, holdOf("a", 10))));
    expect(taken.filter(Boolean)).toHaveLength(1);
    expect(await read()).toMatchObject({ remaining: { m: 990 }, holds: { a: 10 }, openHolds: 1 });
  });

  test("20 racing holds with one row do not disturb each other", async () => {
    const row = await opened();
    const taken = await Promise.all(
      Array.from({ length: 20 }, (_, number) => ledger.hold(row, holdOf(`a${number}`, 5))),
    );
    expect(taken).toEqual(Array(20).fill(true));
    expect(await read()).toMatchObject({ remaining: { m: 900, "d.2026-11-22": 0 }, openHolds: 20 });
  });

  test("200 concurrent holds against a limit of 50: exactly 50", async () => {
    await opened({ m: 1_000, d: 50 });
    const taken = await Promise.all(Array.from({ length: 200 }, (_, number) => take(`a${number}`, 1)));
    expect(taken.filter(Boolean)).toHaveLength(50);
    const row = await read();
    expect(row).toMatchObject({ remaining: { m: 950, "d.2026-11-22": 0 }, openHolds: 50 });
    const held = taken.flatMap((took, number) => (took ? [`a${number}`] : []));
    expect(Object.keys(row.holds).toSorted()).toEqual(held.toSorted());
  });

  test("not more holds than allowed are open at once", async () => {
    const row = await opened();
    expect(await ledger.hold(row, holdOf("a", 1, 2))).toBe(true);
    expect(await ledger.hold(row, holdOf("b", 1, 2))).toBe(true);
    expect(await ledger.hold(row, holdOf("c", 1, 2))).toBe(false);
    await ledger.apply(await read(), settleOf("a", 1));
    expect(await ledger.hold(row, holdOf("c", 1, 2))).toBe(true);
  });

  test("a hold based on other limits is stale, also when a limit came new", async () => {
    const row = await opened();
    await ledger.setLimit(row, { name: "d", counter: "d.2026-11-22", limitMicros: 200 });
    expect(await ledger.hold(row, holdOf("a", 1))).toBe(false);
    const second = await read();
    await ledger.setLimit(second, { name: "c.feet", counter: "c.feet", limitMicros: 1 });
    expect(await ledger.hold(second, holdOf("a", 1))).toBe(false);
    expect(await ledger.hold(await read(), holdOf("a", 1))).toBe(true);
  });

  test("settling gives the difference back and leaves a tombstone; a second time is stale", async () => {
    await ledger.hold(await opened(), holdOf("a", 80));
    const row = await read();
    expect(await ledger.apply(row, settleOf("a", 50))).toBe(true);
    const applied = await read();
    expect(applied).toMatchObject({
      remaining: { m: 950, "d.2026-11-22": 50, "p.replicate": 450 },
      holds: { a: 0 },
      openHolds: 0,
    });
    expect(await ledger.apply(row, settleOf("a", 50))).toBe(false);
    expect(await ledger.apply(applied, settleOf("a", 50))).toBe(true);
    expect(await read()).toStrictEqual(applied);
  });

  test("20 racing settlements count once", async () => {
    await ledger.hold(await opened(), holdOf("a", 80));
    const row = await read();
    const applied = await Promise.all(Array.from({ length: 20 }, () => ledger.apply(row, settleOf("a", 50))));
    expect(applied.filter(Boolean)).toHaveLength(1);
    expect((await read()).remaining.m).toBe(950);
  });

  test("a charge above the hold goes below zero", async () => {
    await ledger.hold(await opened(), holdOf("a", 100));
    await ledger.apply(await read(), settleOf("a", 130));
    expect((await read()).remaining).toMatchObject({ m: 870, "d.2026-11-22": -30 });
    expect(await ledger.hold(await read(), holdOf("b", 1))).toBe(false);
  });

  test("a charge without a hold is taken once, and its tombstone keeps a late hold out", async () => {
    const row = await opened();
    expect(await ledger.apply(row, settleOf("a+correction", 20))).toBe(true);
    expect(await ledger.apply(row, settleOf("a+correction", 20))).toBe(false);
    expect(await ledger.hold(row, holdOf("a+correction", 10))).toBe(false);
    expect(await read()).toMatchObject({ remaining: { m: 980 }, holds: { "a+correction": 0 }, openHolds: 0 });
  });

  test("a tombstone that was swept does not let a late settlement through", async () => {
    const before = await opened();
    await ledger.hold(before, holdOf("a", 80));
    const held = await read();
    await ledger.apply(held, settleOf("a", 50));
    expect(await ledger.sweep(await read(), ["a"])).toBe(true);
    expect(await read()).toMatchObject({ holds: {}, sweeps: 1, remaining: { m: 950 } });
    expect(await ledger.apply(held, settleOf("a", 50))).toBe(false);
    expect(await ledger.apply(before, settleOf("a", 50))).toBe(false);
    expect((await read()).remaining.m).toBe(950);
  });

  test("sweeping never takes a hold, and takes all or nothing", async () => {
    const row = await opened();
    await ledger.hold(row, holdOf("open", 10));
    await ledger.apply(row, settleOf("done", 0));
    expect(await ledger.sweep(await read(), ["done", "open"])).toBe(false);
    expect(await ledger.sweep(await read(), ["done", "gone"])).toBe(false);
    expect(await ledger.sweep(await read(), [])).toBe(true);
    expect(await read()).toMatchObject({ holds: { open: 10, done: 0 }, sweeps: 0 });
  });

  test("a hundred tombstones go in one sweep", async () => {
    const keys = Array.from({ length: 100 }, (_, number) => `img_01234567890123456789012345_${number}-1`);
    const row = await opened();
    for (const key of keys) await ledger.apply(row, settleOf(key, 0));
    expect(await ledger.sweep(await read(), keys)).toBe(true);
    expect(await read()).toMatchObject({ holds: {}, sweeps: 1 });
  });

  test("a hold that came late is given back whole, once", async () => {
    await ledger.hold(await opened(), holdOf("a", 80));
    const row = await read();
    expect(await ledger.giveBack(row, "a", ALL)).toBe(true);
    expect(await ledger.giveBack(row, "a", ALL)).toBe(false);
    const after = await read();
    expect(after).toMatchObject({
      remaining: { m: 1_000, "d.2026-11-22": 100 },
      holds: {},
      openHolds: 0,
      sweeps: 1,
    });
    expect(await ledger.giveBack(after, "a", ALL)).toBe(true);
    expect(await read()).toStrictEqual(after);
  });

  test("a limit moves its counter by the difference, up and down", async () => {
    await ledger.hold(await opened(), holdOf("a", 80));
    const day = { name: "d", counter: "d.2026-11-22" };
    const row = await read();
    expect(await ledger.setLimit(row, { ...day, limitMicros: 150 })).toBe(true);
    expect(await ledger.setLimit(row, { ...day, limitMicros: 170 })).toBe(false);
    expect(await read()).toMatchObject({ limits: { d: 150 }, remaining: { "d.2026-11-22": 70 } });
    expect(await ledger.setLimit(await read(), { ...day, limitMicros: 10 })).toBe(true);
    expect((await read()).remaining["d.2026-11-22"]).toBe(-70);
    // A day of which nothing was taken yet.
    const monday = { name: "d", counter: "d.2026-11-23", limitMicros: 25 };
    expect(await ledger.setLimit(await read(), monday)).toBe(true);
    expect((await read()).remaining["d.2026-11-23"]).toBe(25);
  });

  test("a removed limit refuses nothing any more, and its counter goes on below zero", async () => {
    await ledger.hold(await opened(), holdOf("a", 80));
    const held = await read();
    expect(await ledger.setLimit(held, { name: "d", counter: "d.2026-11-22", limitMicros: null })).toBe(true);
    const removed = await read();
    expect(removed.limits).toStrictEqual({ m: 1_000, "p.replicate": 500 });
    expect(removed.remaining).toStrictEqual({
      m: 920,
      "d.2026-11-22": -80,
      "p.replicate": 420,
      "c.feet": -80,
    });
    expect(await ledger.hold(removed, holdOf("b", 400))).toBe(true);
    // Based on the old limits.
    expect(await ledger.apply(held, settleOf("a", 50))).toBe(false);
    expect(await ledger.apply(await read(), settleOf("a", 50))).toBe(true);
    expect((await read()).remaining).toStrictEqual({
      m: 550,
      "d.2026-11-22": -450,
      "p.replicate": 50,
      "c.feet": -450,
    });
  });

  test("a day's counter whose limit went on another day is still given back to", async () => {
    await ledger.hold(await opened(), holdOf("a", 80));
    await ledger.setLimit(await read(), { name: "d", counter: "d.2026-11-23", limitMicros: null });
    expect(await ledger.apply(await read(), settleOf("a", 50))).toBe(true);
    expect((await read()).remaining).toMatchObject({ m: 950, "d.2026-11-22": 50 });
  });

  test("an account without any limit counts from zero and refuses nothing", async () => {
    expect(await ledger.hold(await opened({}), holdOf("a", 80))).toBe(true);
    expect(await read()).toMatchObject({
      remaining: { m: -80, "c.feet": -80 },
      holds: { a: 80 },
      openHolds: 1,
    });
    expect(await ledger.apply(await read(), settleOf("a", 50))).toBe(true);
    expect(await ledger.hold(await read(), holdOf("b", 80))).toBe(true);
    expect(await ledger.giveBack(await read(), "b", ALL)).toBe(true);
    expect(await read()).toMatchObject({
      remaining: { m: -50, "d.2026-11-22": -50, "p.replicate": -50, "c.feet": -50 },
      holds: { a: 0 },
      openHolds: 0,
    });
  });

  test("repeated after a lost answer nothing counts twice, and the work is seen to be done", async () => {
    await losingAnAnswer(table.client, () => ledger.open("real", month, LIMITS));
    const losing = (call: () => Promise<boolean>) => losingAnAnswer(table.client, call);
    const row = await read();
    expect(await losing(() => ledger.hold(row, holdOf("a", 80)))).toBe(false);
    const held = await read();
    expect(held).toMatchObject({ holds: { a: 80 }, openHolds: 1, remaining: { m: 920 } });
    expect(await losing(() => ledger.apply(held, settleOf("a", 50)))).toBe(false);
    const applied = await read();
    expect(applied).toMatchObject({ holds: { a: 0 }, openHolds: 0, remaining: { m: 950 } });
    expect(await losing(() => ledger.sweep(applied, ["a"]))).toBe(false);
    expect(await read()).toMatchObject({ holds: {}, sweeps: 1 });
    const limit = { name: "m", counter: "m", limitMicros: 2_000 };
    expect(await losing(() => ledger.setLimit(applied, limit))).toBe(false);
    expect(await read()).toMatchObject({ limits: { m: 2_000 }, remaining: { m: 1_950 } });
    await ledger.hold(await read(), holdOf("b", 10));
    const again = await read();
    expect(await losing(() => ledger.giveBack(again, "b", ALL))).toBe(false);
    expect(await read()).toMatchObject({ holds: {}, openHolds: 0, remaining: { m: 1_950 } });
  });

  test("a damaged row is an error that names its key", async () => {
    await createDynamo(table).put({ ...ledgerKey("real", month), openHolds: 0, sweeps: 0, m: "much" });
    await expect(ledger.read("real", month)).rejects.toMatchObject({
      name: "StorageUnavailable",
      message: expect.stringContaining(`LEDGER#real ${month}`),
    });
  });
}
