/** @module `docs/openapi.json` says what the routes say, and is OpenAPI 3.1 to an independent validator. */
import { readFile } from "node:fs/promises";
import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, test } from "vitest";
import { OPENAPI_FILE, openApiText } from "../scripts/openapi.ts";

test("the document is made from the routes (run `node scripts/run.mjs scripts/openapi.ts` after changing them)", async () => {
  expect(await readFile(OPENAPI_FILE, "utf8")).toBe(openApiText());
});

test("the document is valid", async () => {
  const result = await new Validator().validate(JSON.parse(openApiText()));
  expect(result.errors ?? []).toEqual([]);
  expect(result.valid).toBe(true);
});
