/**
 * @module `npm run smoke -- PROVIDER [--model NAME]`: one cheap real call where its key or address is set, at most 0.10 USD.
 * Ends with 0 when it was skipped, and says why; with 1 when it failed; with 2 when it was asked for something else.
 */

import { tmpdir } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isAtelierError } from "@atelier/core/errors";
import { loadCatalogue } from "@atelier/local/templates";
import { createPool } from "@atelier/providers/pool";
import { PROVIDERS } from "@atelier/providers/registry";
import { buyOne, SmokeFailure } from "./smoke/buy-one.ts";

const ROOT = new URL("..", import.meta.url);
const inRoot = (path: string) => fileURLToPath(new URL(path, ROOT));

async function main(words: readonly string[]): Promise<void> {
  const input = options(words);
  if (input === null) {
    const names = PROVIDERS.filter(({ variables }) => Object.keys(variables).length > 0).map(
      ({ name }) => name,
    );
    process.stderr.write(`Give one provider (${names.join(", ")}) and, if wanted, --model NAME.\n`);
    process.exitCode = 2;
    return;
  }
  try {
    await buyOne(input, {
      environment: process.env,
      catalogue: await loadCatalogue(inRoot("templates")),
      definitions: PROVIDERS,
      transport: createPool(),
      clock: Date.now,
      sleep: (forMs) => sleep(forMs),
      folder: inRoot("test/fixtures/exchanges"),
      failuresFolder: tmpdir(),
      say: (line) => process.stdout.write(`${line}\n`),
    });
  } catch (error) {
    if (!(error instanceof SmokeFailure) && !isAtelierError(error)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}

function options(words: readonly string[]): { provider: string; model: string | null } | null {
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      options: { model: { type: "string" } },
      allowPositionals: true,
    });
    const [provider, ...more] = positionals;
    return provider === undefined || more.length > 0 ? null : { provider, model: values.model ?? null };
  } catch {
    return null;
  }
}

await main(process.argv.slice(2));
