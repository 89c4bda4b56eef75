/** @module `docs/errors.md` says what the error table says. */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { ERRORS_PAGE, errorsPage } from "../scripts/errors.ts";

test("the page is made from the table (run `node scripts/run.mjs scripts/errors.ts` after changing it)", async () => {
  expect(await readFile(ERRORS_PAGE, "utf8")).toBe(errorsPage());
});
