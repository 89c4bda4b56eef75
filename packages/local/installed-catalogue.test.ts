import { appendFile, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cachedCatalogue } from "./installed-catalogue.ts";
import { loadCatalogue } from "./templates.ts";
import { writeShortTemplates } from "./testing/short-templates.ts";

let home = "";
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "atelier-catalogue-"));
});
afterAll(async () => rm(home, { recursive: true }));

/** A copy of the templates, some code, and no cache yet. */
async function places(name: string) {
  const folder = join(home, name, "templates");
  const code = join(home, name, "code");
  await writeShortTemplates(folder);
  await mkdir(join(code, "workflow"), { recursive: true });
  await writeFile(join(code, "workflow", "policy.ts"), "export const a = 1;\n");
  return { folder, codeFolders: [code], cacheFile: join(home, name, "cache", "catalogue.json") };
}

/** Marks what is kept, so that a catalogue from the cache can be told from one that was read. */
async function mark(cacheFile: string): Promise<void> {
  const kept = JSON.parse(await readFile(cacheFile, "utf8"));
  kept.catalogue.termsExpireAfterDays = 7_777;
  await writeFile(cacheFile, JSON.stringify(kept));
}
const isFromCache = async (where: Awaited<ReturnType<typeof places>>) =>
  (await cachedCatalogue(where)).termsExpireAfterDays === 7_777;

test("what is kept is what was read", async () => {
  const where = await places("same");
  const read = await loadCatalogue(where.folder);
  expect(await cachedCatalogue(where)).toEqual(read);
  expect(await cachedCatalogue(where)).toStrictEqual(JSON.parse(JSON.stringify(read)));
  await mark(where.cacheFile);
  expect(await isFromCache(where)).toBe(true);
});

test("a changed template, a changed line of code, a file more: it is read and checked again", async () => {
  const where = await places("changed");
  for (const change of [
    () => appendFile(join(where.folder, "policy.yaml"), "\n# a remark\n"),
    () => appendFile(join(where.codeFolders[0] ?? "", "workflow", "policy.ts"), "export const b = 2;\n"),
    () => writeFile(join(where.codeFolders[0] ?? "", "new.ts"), ""),
  ]) {
    await cachedCatalogue(where);
    await mark(where.cacheFile);
    expect(await isFromCache(where)).toBe(true);
    await change();
    expect(await isFromCache(where)).toBe(false);
  }
});

test("a template that is a link, in a folder that is one: what it leads to is read and checked again", async () => {
  const where = await places("linked");
  await cachedCatalogue(where);
  const elsewhere = join(home, "elsewhere");
  await rename(join(where.folder, "categories"), elsewhere);
  await symlink(elsewhere, join(where.folder, "categories"), "junction");
  await rename(join(where.folder, "policy.yaml"), join(home, "policy.yaml"));
  await symlink(join(home, "policy.yaml"), join(where.folder, "policy.yaml"));
  for (const changed of [join(home, "policy.yaml"), join(elsewhere, "feet.yaml")]) {
    await cachedCatalogue(where);
    await mark(where.cacheFile);
    await appendFile(changed, "\n# a remark\n");
    expect(await isFromCache(where), changed).toBe(false);
  }
});

test("whatever the folders above are called, a changed template is read and checked again", async () => {
  const where = await places("old-node_modules");
  await cachedCatalogue(where);
  await mark(where.cacheFile);
  await appendFile(join(where.folder, "policy.yaml"), "\n# a remark\n");
  expect(await isFromCache(where)).toBe(false);
});

test("a bad file is refused whatever was kept, and is not kept", async () => {
  const where = await places("bad");
  await cachedCatalogue(where);
  await appendFile(join(where.folder, "policy.yaml"), "\nrules: [\n");
  for (let turn = 0; turn < 2; turn++) {
    await expect(cachedCatalogue(where)).rejects.toMatchObject({ name: "CatalogueInvalid" });
  }
});

test("a cache that is cut off or cannot be written is as none", async () => {
  const where = await places("damaged");
  await cachedCatalogue(where);
  await writeFile(where.cacheFile, '{"digest":');
  expect((await cachedCatalogue(where)).categories).toHaveLength(5);
  await writeFile(join(home, "file"), "");
  const unwritable = { ...where, cacheFile: join(home, "file", "catalogue.json") };
  expect((await cachedCatalogue(unwritable)).categories).toHaveLength(5);
});
