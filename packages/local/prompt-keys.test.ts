import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TextAbout } from "@atelier/core/ports";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openTextVault, rotatePromptKey } from "./prompt-keys.ts";

const ABOUT: TextAbout = { purpose: "prompt", subject: "img_a_00000" };
let keys = "";
const deps = () => ({ folder: { keys }, randomBytes: (size: number) => new Uint8Array(randomBytes(size)) });
beforeEach(async () => {
  keys = await mkdtemp(join(tmpdir(), "keys-"));
});
afterEach(() => rm(keys, { recursive: true }));

it("makes a key for its owner alone, once, whoever opens first", async () => {
  const vaults = await Promise.all([1, 2, 3, 4].map(() => openTextVault(deps())));
  expect(await readdir(keys)).toEqual(["prompts-1.key"]);
  const { mode, size } = await stat(join(keys, "prompts-1.key"));
  expect([mode & 0o777, size]).toEqual([0o600, 32]);
  const sealed = await vaults[0]?.seal(ABOUT, "a bowl of pears");
  expect(await vaults[3]?.open(ABOUT, sealed ?? "")).toBe("a bowl of pears");
});

it("gives back any text, and shows nothing of it in the message", async () => {
  const vault = await openTextVault(deps());
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "binary", minLength: 8 }), async (text) => {
      const sealed = await vault.seal(ABOUT, text, "nudity");
      const bytes = Buffer.from(sealed, "base64");
      expect(await vault.open(ABOUT, sealed)).toBe(Buffer.from(text).toString());
      for (const form of [text, Buffer.from(text).toString("base64")]) {
        expect(bytes.includes(form)).toBe(false);
        expect(sealed.includes(form)).toBe(false);
      }
    }),
    { numRuns: 30 },
  );
});

it("opens nothing that was altered anywhere, or is another's", async () => {
  const vault = await openTextVault(deps());
  const message = Buffer.from(await vault.seal(ABOUT, "a lighthouse"), "base64");
  for (let at = 0; at < message.length; at += 7) {
    const altered = Buffer.from(message);
    altered[at] = (altered[at] ?? 0) ^ 1;
    await expect(vault.open(ABOUT, altered.toString("base64"))).rejects.toMatchObject({
      name: "StorageUnavailable",
    });
  }
  const sealed = message.toString("base64");
  for (const other of [
    { ...ABOUT, subject: "img_b_00000" },
    { ...ABOUT, purpose: "review-note" as const },
  ]) {
    await expect(vault.open(other, sealed)).rejects.toMatchObject({
      name: "StorageUnavailable",
      message: expect.not.stringContaining("lighthouse"),
    });
  }
});

it("rotates: old texts are read, new ones and resealed ones are under the new key", async () => {
  const before = await openTextVault(deps());
  const old = await before.seal(ABOUT, "a lighthouse");
  expect(await rotatePromptKey(deps())).toBe(2);
  const after = await openTextVault(deps());
  expect(await after.open(ABOUT, old)).toBe("a lighthouse");
  const resealed = (await after.reseal(ABOUT, old)) ?? "";
  expect(await after.reseal(ABOUT, resealed)).toBeNull();
  // A process that was open before reads what a later one sealed.
  expect(await before.open(ABOUT, resealed)).toBe("a lighthouse");
  await rm(join(keys, "prompts-1.key"));
  const alone = await openTextVault(deps());
  expect(await alone.open(ABOUT, resealed)).toBe("a lighthouse");
  await expect(alone.open(ABOUT, old)).rejects.toMatchObject({ name: "StorageUnavailable" });
});

it("knows the tenth key from the first", async () => {
  const old = await (await openTextVault(deps())).seal(ABOUT, "x");
  for (let round = 0; round < 9; round++) await rotatePromptKey(deps());
  const vault = await openTextVault(deps());
  const resealed = await vault.reseal(ABOUT, old);
  expect(resealed).not.toBeNull();
  expect(await vault.reseal(ABOUT, resealed ?? "")).toBeNull();
});

it("takes no key that others may read, and none that is damaged", async () => {
  await openTextVault(deps());
  const path = join(keys, "prompts-1.key");
  await chmod(path, 0o644);
  await expect(openTextVault(deps())).rejects.toMatchObject({ name: "FolderUnusable" });
  await chmod(path, 0o600);
  await writeFile(path, (await readFile(path)).subarray(1));
  await expect(openTextVault(deps())).rejects.toMatchObject({ name: "FolderUnusable" });
});
