/** @module `docs/events.md` says what the table of events says. */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { EVENTS_PAGE, eventsPage } from "../scripts/events.ts";

test("the page is made from the table (run `node scripts/run.mjs scripts/events.ts` after changing it)", async () => {
  expect(await readFile(EVENTS_PAGE, "utf8")).toBe(eventsPage());
});

test("every field of every event says what it is", () => {
  const rows = eventsPage()
    .split("\n")
    .filter((line) => line.startsWith("| `"));
  expect(rows.length).toBeGreaterThan(100);
  expect(rows.filter((row) => /\|\s*\|$/.test(row))).toEqual([]);
});
