import * as files from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type ValueStore, Values } from "./dynalite-values.ts";

/** dynalite's own, over LevelDB on disk. */
interface Db extends ValueStore {
  open(): Promise<void>;
  close(): Promise<void>;
  put(key: string, value: unknown): Promise<void>;
}
type Iterator = ReturnType<ValueStore["values"]>;

let place: string;
let db: Db;
let iterators: Iterator[];
beforeEach(async () => {
  place = await files.mkdtemp(join(tmpdir(), "values-"));
  db = createRequire(import.meta.url)("dynalite/db/index.js").create({ path: join(place, "store") }).db;
  await db.open();
  for (let number = 0; number < 250; number++) await db.put(key(number), { number });
  iterators = [];
});
afterEach(async () => {
  await db.close();
  await files.rm(place, { recursive: true });
});

function key(number: number): string {
  return `key-${String(number).padStart(3, "0")}`;
}

/** As dynalite makes them, remembering the iterators. */
function valuesOf(options: object): Values {
  const store: ValueStore = {
    values(given) {
      const iterator = db.values(given);
      iterators.push(iterator);
      return iterator;
    },
  };
  return new Values(store, options);
}

async function numbersOf(values: Values, enough = Number.POSITIVE_INFINITY): Promise<number[]> {
  const numbers: number[] = [];
  await new Promise<void>((resolve, reject) => {
    values.on("error", reject).on("end", resolve);
    values.on("data", ({ number }: { number: number }) => {
      numbers.push(number);
      if (numbers.length < enough) return;
      values.destroy();
      setImmediate(resolve);
    });
  });
  return numbers;
}

async function expectClosed(): Promise<void> {
  expect(iterators).toHaveLength(1);
  for (const iterator of iterators)
    await expect(iterator.nextv(1)).rejects.toMatchObject({ code: "LEVEL_ITERATOR_NOT_OPEN" });
}

it("tells every value of the range in order, and closes its iterator", async () => {
  const range = { gte: key(10), lt: key(240) };
  expect(await numbersOf(valuesOf(range))).toStrictEqual(
    Array.from({ length: 230 }, (_, index) => 10 + index),
  );
  await expectClosed();
});

it("tells as many as it may, backwards", async () => {
  expect(await numbersOf(valuesOf({ reverse: true, limit: 3 }))).toStrictEqual([249, 248, 247]);
  await expectClosed();
});

it("stops where it is destroyed, and closes its iterator", async () => {
  expect(await numbersOf(valuesOf({}), 120)).toStrictEqual(Array.from({ length: 120 }, (_, index) => index));
  await vi.waitFor(expectClosed);
});

it("tells what stood there when it was made", async () => {
  const values = valuesOf({ gte: key(249) });
  const [, numbers] = await Promise.all([db.put(key(250), { number: 250 }), numbersOf(values)]);
  expect(numbers).toStrictEqual([249]);
  expect(await numbersOf(valuesOf({ gte: key(249) }))).toStrictEqual([249, 250]);
});

it("tells of a listener that throws", async () => {
  const values = valuesOf({});
  values.on("data", () => {
    throw new Error("Unreadable.");
  });
  await expect(numbersOf(values)).rejects.toThrow("Unreadable.");
  await expectClosed();
});
