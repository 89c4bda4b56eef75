/**
 * @module `npm run templates`: checks `templates/` and compiles it to `dist/catalogue.json`, for programs that read no YAML; what
 * of it concerns buying alone to `dist/offers.json`, which is a fifth as heavy; and what the registry says of each provider's
 * settings to `dist/providers.json`, for the stacks.
 */
import { randomUUID } from "node:crypto";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Catalogue } from "@atelier/core/catalogue";
import { isAtelierError } from "@atelier/core/errors";
import { loadInstalledCatalogue } from "@atelier/local/installed-catalogue";
import { serialiseCatalogue } from "@atelier/local/templates";
import { PROVIDERS } from "@atelier/providers/registry";

const root = fileURLToPath(new URL("..", import.meta.url));
const target = join(root, "dist", "catalogue.json");

/**
 * Any number of processes may compile at once: whoever reads meanwhile sees an old file or a new one.
 *
 * @throws AtelierError `CatalogueInvalid`
 */
export async function compileCatalogue(): Promise<Catalogue> {
  const catalogue = await loadInstalledCatalogue();
  await mkdir(join(root, "dist"), { recursive: true });
  await replace(target, serialiseCatalogue(catalogue));
  const { providers: accounts, models, workflows, schedule } = catalogue;
  const offers = { providers: accounts, models, workflows, timezone: schedule.timezone };
  await replace(join(root, "dist", "offers.json"), `${JSON.stringify(offers, null, 1)}\n`);
  const providers = PROVIDERS.map(({ name, variables, switchedOnBy }) => ({ name, variables, switchedOnBy }));
  await replace(join(root, "dist", "providers.json"), `${JSON.stringify(providers, null, 2)}\n`);
  return catalogue;
}

async function replace(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}`;
  await writeFile(temporary, text);
  await rename(temporary, path);
}

if (import.meta.main) {
  try {
    const bytes = Buffer.byteLength(serialiseCatalogue(await compileCatalogue()));
    process.stderr.write(`${relative(process.cwd(), target)}: ${bytes} bytes\n`);
  } catch (error) {
    if (!isAtelierError(error, "CatalogueInvalid")) throw error;
    process.stderr.write(`${error.message.replaceAll("; templates/", "\ntemplates/")}\n`);
    process.exitCode = 2;
  }
}
