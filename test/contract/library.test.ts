/** @module The library bench in small: what a page costs is counted, not timed. */
import { expect, test } from "vitest";
import { measureLibrary } from "../../bench/library.ts";

test("no list of a library scans it, and none takes more calls than its ranges need", async () => {
  const measured = await measureLibrary(1_000, 1);
  expect(Object.keys(measured.operations).sort()).toEqual(["BatchGetItem", "Query"]);
  expect(measured.scans).toBe(0);
  const readsOf = (query: string) => measured.queries.find((figures) => figures.query === query)?.reads;
  // Five categories, and the records.
  expect(readsOf("everything")).toBe(6);
  expect(readsOf("everything, deep")).toBe(6);
  expect(readsOf("category and status")).toBe(2);
  expect(readsOf("rare tag")).toBeLessThanOrEqual(11);
  // Nothing there: one query for each range that would have it, and no record.
  expect(readsOf("tag of another category")).toBe(1);
  expect(readsOf("rating that the category has not")).toBe(1);
  expect(readsOf("unknown word")).toBe(10);
  expect(readsOf("one request")).toBe(1);
  expect(measured.readsWorst).toBeLessThanOrEqual(40);
  const found = Object.fromEntries(measured.queries.map(({ query, found: count }) => [query, count]));
  expect(found).toMatchObject({
    everything: 50,
    "rare tag": 5,
    "rare word": 5,
    "unknown word": 0,
    "common word": 50,
    "one request": 50,
    "on their way": 50,
  });
}, 120_000);
