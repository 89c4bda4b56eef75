/** @module Writes `docs/openapi.json` from the API's routes; a test compares the two. */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { routedApp } from "@atelier/api/app";
import { openApiDocument } from "@atelier/api/openapi";

export const OPENAPI_FILE = fileURLToPath(new URL("../docs/openapi.json", import.meta.url));

/** As `atelier serve` answers it on its usual port. */
export function openApiText(): string {
  return `${JSON.stringify(openApiDocument(routedApp(), "http://127.0.0.1:8787"), null, 2)}\n`;
}

if (import.meta.main) await writeFile(OPENAPI_FILE, openApiText());
