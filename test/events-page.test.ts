/** @module `docs/events.md` says what the table of events says. */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { EVENTS_PAGE, eventsPage } from "../scripts/events.ts";

test("the page is made from the table (run `node scripts/run.mjs scripts/events.ts` after changing it)", async () => {
  expect(await readFile(EVENTS_PAGE, "utf8")).toBe(eventsPage());
});
