/** @module The compiled catalogue, made as `npm run templates` makes it: the functions' bundles contain it. */
import { randomUUID } from "node:crypto";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Catalogue } from "@atelier/core/catalogue";
import { loadCatalogue, serialiseCatalogue } from "@atelier/local/templates";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Any number of tests may do so at once. */
export async function compileCatalogue(): Promise<Catalogue> {
  const catalogue = await loadCatalogue(join(ROOT, "templates"));
  const target = join(ROOT, "dist", "catalogue.json");
  await mkdir(join(ROOT, "dist"), { recursive: true });
  const temporary = `${target}.${randomUUID()}`;
  await writeFile(temporary, serialiseCatalogue(catalogue));
  await rename(temporary, target);
  return catalogue;
}
