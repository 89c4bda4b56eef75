import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { mirrored } from "./backup.ts";
import { createFileBlobs } from "./file-blobs.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "atelier-backup-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

let drawn = 0;
const randomBytes = (size: number) => new Uint8Array(size).fill(++drawn);
const open = () => {
  const backup = createFileBlobs({ folder: join(folder, "backup"), randomBytes });
  return { backup, blobs: mirrored(createFileBlobs({ folder: join(folder, "data"), randomBytes }), backup) };
};
const text = (words: string) => new TextEncoder().encode(words);

test("what is shown and what was bought is kept twice, working copies once", async () => {
  const { blobs, backup } = open();
  await blobs.put("incoming/a/a-1-0.png", text("bought"), "image/png");
  await blobs.copy("incoming/a/a-1-0.png", "originals/feet/2026/11/a/a-1-0.png");
  await blobs.put("content/feet/2026/11/a/v1/full-1.jpg", text("shown"), "image/jpeg");
  expect(await readFile(join(folder, "backup/originals/feet/2026/11/a/a-1-0.png"), "utf8")).toBe("bought");
  expect(await backup.head("content/feet/2026/11/a/v1/full-1.jpg")).toMatchObject({ bytes: 5 });
  expect(await backup.head("incoming/a/a-1-0.png")).toBeUndefined();
});

test("a second run that stores the same again succeeds", async () => {
  const { blobs } = open();
  await blobs.put("content/x.jpg", text("same"), "image/jpeg");
  await expect(blobs.put("content/x.jpg", text("same"), "image/jpeg")).resolves.toMatchObject({ bytes: 4 });
});

test("a backup that cannot be written, or holds something else, fails the write", async () => {
  const { blobs, backup } = open();
  await backup.put("content/x.jpg", text("other"), "image/jpeg");
  await expect(blobs.put("content/x.jpg", text("mine"), "image/jpeg")).rejects.toMatchObject({
    name: "BlobConflict",
  });
  await writeFile(join(folder, "backup/originals"), "a file in the way");
  await expect(blobs.put("originals/y.png", text("mine"), "image/png")).rejects.toMatchObject({
    name: "FolderUnusable",
  });
});

test("what is removed is removed from both", async () => {
  const { blobs, backup } = open();
  for (const key of ["originals/a/1.png", "quarantine/a/1.png"]) await blobs.put(key, text("x"), "image/png");
  for (const key of ["originals/a/1.png", "quarantine/a/1.png"]) await blobs.remove(key);
  for (const store of [blobs, backup]) expect(await store.head("originals/a/1.png")).toBeUndefined();
  expect(await blobs.head("quarantine/a/1.png")).toBeUndefined();
});
