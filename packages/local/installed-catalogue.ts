/**
 * @module The catalogue of this checkout. Reading and judging `templates/` takes longer than most commands: what came of it is
 * kept beside Node's own cache of compiled sources, and taken again as long as every byte of the templates and of the code
 * that checks them is the same. It is as trusted as the code beside it: whoever can write there can write both.
 */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { Catalogue } from "@atelier/core/catalogue";

const inCheckout = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

export const TEMPLATES_FOLDER = inCheckout("templates");
const CACHE_FILE = inCheckout("node_modules/.cache/atelier/catalogue.json");
/** All that decides what the templates become, and whether they may be used. */
const CODE_FOLDERS = [inCheckout("packages/core"), inCheckout("packages/local")];

/** @throws AtelierError as `loadCatalogue`; what is wrong is never kept */
export async function loadInstalledCatalogue(): Promise<Catalogue> {
  return cachedCatalogue({ folder: TEMPLATES_FOLDER, codeFolders: CODE_FOLDERS, cacheFile: CACHE_FILE });
}

/** A cache that cannot be read or written is as none, and so is any for folders with links in them. */
export async function cachedCatalogue(places: {
  readonly folder: string;
  readonly codeFolders: readonly string[];
  readonly cacheFile: string;
}): Promise<Catalogue> {
  const { folder, codeFolders, cacheFile } = places;
  const digest = await digestOf([folder, ...codeFolders]);
  const kept = digest === null ? undefined : await keptUnder(digest, cacheFile);
  if (kept) return kept;
  const { loadCatalogue } = await import("./templates.ts");
  const catalogue = await loadCatalogue(folder);
  if (digest === null) return catalogue;
  // Somebody may have saved a file while it was read.
  if ((await digestOf([folder, ...codeFolders])) === digest) await keep({ digest, catalogue }, cacheFile);
  return catalogue;
}

async function keptUnder(digest: string, cacheFile: string): Promise<Catalogue | undefined> {
  try {
    const kept: { digest?: unknown; catalogue?: Catalogue } = JSON.parse(await readFile(cacheFile, "utf8"));
    return kept.digest === digest ? kept.catalogue : undefined;
  } catch {
    return undefined;
  }
}

async function keep(
  kept: { readonly digest: string; readonly catalogue: Catalogue },
  cacheFile: string,
): Promise<void> {
  const unfinished = `${cacheFile}.${process.pid}`;
  try {
    await mkdir(dirname(cacheFile), { recursive: true });
    await writeFile(unfinished, JSON.stringify(kept));
    await rename(unfinished, cacheFile);
  } catch {
    // It is made again by the next one.
  }
}

/** Over the names and bytes of every file of the folders and of those in them; null where a link leads out of them. */
async function digestOf(folders: readonly string[]): Promise<string | null> {
  const hash = createHash("sha256");
  for (const folder of folders) {
    const entries = (await readdir(folder, { recursive: true, withFileTypes: true }))
      .map((entry) => ({ entry, path: join(entry.parentPath, entry.name) }))
      .filter(({ path }) => !relative(folder, path).split(sep).includes("node_modules"));
    if (entries.some(({ entry }) => entry.isSymbolicLink())) return null;
    const paths = entries
      .filter(({ entry }) => entry.isFile() && /\.(ts|ya?ml|json)$/.test(entry.name))
      .map(({ path }) => path)
      .filter((path) => !path.endsWith(".test.ts"))
      .sort();
    for (const path of paths)
      hash
        .update(`${path}\n`)
        .update(await readFile(path))
        .update("\n");
  }
  return hash.digest("hex");
}
