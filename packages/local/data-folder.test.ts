import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import * as files from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isUnmade, prepareDataFolder, readDataKeys } from "./data-folder.ts";

let place: string;
beforeEach(async () => {
  place = await files.realpath(await files.mkdtemp(join(tmpdir(), "atelier-folder-")));
});
afterEach(() => files.rm(place, { recursive: true }));

const prepare = (path: string) =>
  prepareDataFolder({ path, clock: () => Date.UTC(2026, 10, 22), randomBytes });

describe("prepareDataFolder", () => {
  it.runIf(process.platform === "linux")(
    "ends where the system can make no folder, instead of asking for ever",
    async () => {
      await expect(prepare("/proc/atelier/data")).rejects.toMatchObject({ name: "FolderUnusable" });
    },
  );

  it("makes a private folder with a marker and a private secret", async () => {
    const folder = await prepare(join(place, "deep/er"));
    expect(folder.path).toBe(join(place, "deep/er"));
    expect((await files.stat(folder.path)).mode & 0o777).toBe(0o700);
    expect(JSON.parse(await files.readFile(join(folder.path, "atelier.json"), "utf8"))).toStrictEqual({
      format: 1,
      created: "2026-11-22T00:00:00.000Z",
    });
    const secret = await files.stat(join(folder.keys, "secret"));
    expect([secret.size, secret.mode & 0o777]).toStrictEqual([32, 0o600]);
  });

  it("keeps what stands: the same folder twice, by another way, and by many at once", async () => {
    const path = join(place, "data");
    const folders = await Promise.all(Array.from({ length: 10 }, () => prepare(path)));
    await files.symlink(path, join(place, "link"));
    const again = await prepare(join(place, "link"));
    const keys = await Promise.all([...folders, again].map(readDataKeys));

    expect(new Set([...folders, again].map((folder) => folder.path))).toStrictEqual(new Set([path]));
    expect(new Set(keys.map((key) => Buffer.from(key.auditKey).toString("hex"))).size).toBe(1);
    expect((await files.readdir(path)).sort()).toStrictEqual([
      "atelier.json",
      "engine",
      "keys",
      "processes",
      "sandbox",
    ]);
  });

  it("takes an empty folder", async () => {
    await files.mkdir(join(place, "empty"));
    expect((await prepare(join(place, "empty"))).path).toBe(join(place, "empty"));
  });

  it.each(["keys", "keys/secret"])("does not make another secret for a folder that lost %s", async (lost) => {
    const { path } = await prepare(join(place, "data"));
    await files.rm(join(path, lost), { recursive: true });
    const before = await files.readdir(path, { recursive: true });
    await expect(prepare(path)).rejects.toMatchObject({
      name: "FolderUnusable",
      message: `The key ${join(path, "keys/secret")} is missing; restore it from a backup of the folder.`,
    });
    expect(await files.readdir(path, { recursive: true })).toStrictEqual(before);
  });

  it("completes what a killed process began, with the secret that stands", async () => {
    const { path, keys } = await prepare(join(place, "data"));
    const before = await files.readFile(join(keys, "secret"));
    for (const name of ["atelier.json", "engine", "processes", "sandbox"]) {
      await files.rm(join(path, name), { recursive: true });
    }
    await files.writeFile(join(keys, ".tmp-machine.1.00"), "");
    expect(await files.readFile(join((await prepare(path)).keys, "secret"))).toStrictEqual(before);

    await files.rm(join(path, "atelier.json"));
    await files.rm(keys, { recursive: true });
    for (const name of ["engine", "processes", "sandbox"])
      await files.rm(join(path, name), { recursive: true });
    await files.mkdir(keys);
    expect((await files.stat(join((await prepare(path)).keys, "secret"))).size).toBe(32);
  });

  it("has its secret before its marker", async () => {
    let marked: boolean | undefined;
    const path = join(place, "data");
    await prepareDataFolder({
      path,
      clock: () => 0,
      randomBytes: (size) => {
        if (size === 32) marked = existsSync(join(path, "atelier.json"));
        return randomBytes(size);
      },
    });
    expect(marked).toBe(false);
  });

  it.each([
    ["a file in its place", "file", "not a folder"],
    ["a file on the way", "file/data", "not a folder"],
    ["a folder of something else", "photos", '"holiday.jpg"'],
    ["somebody else's keys", "safe", '"keys/house.pem"'],
    ["a newer format", "newer", "format 2"],
    ["a marker that is not ours", "foreign", "atelier.json is not Atelier's"],
  ])("refuses %s in one sentence", async (_, path, words) => {
    await files.writeFile(join(place, "file"), "");
    for (const name of ["photos", "newer", "foreign"]) await files.mkdir(join(place, name));
    await files.writeFile(join(place, "photos/holiday.jpg"), "");
    await files.mkdir(join(place, "safe/keys"), { recursive: true });
    await files.writeFile(join(place, "safe/keys/house.pem"), "");
    await files.writeFile(join(place, "newer/atelier.json"), '{"format":2}');
    await files.writeFile(join(place, "foreign/atelier.json"), "studio");
    const before = await files.readdir(place, { recursive: true });

    await expect(prepare(join(place, path))).rejects.toMatchObject({
      name: "FolderUnusable",
      message: expect.stringContaining(words),
    });
    expect(await files.readdir(place, { recursive: true })).toStrictEqual(before);
  });
});

describe("isUnmade", () => {
  it("is true of nothing and of an empty folder only", async () => {
    await files.writeFile(join(place, "file"), "");
    await files.mkdir(join(place, "empty"));
    const { path } = await prepare(join(place, "data"));
    const unmade = (name: string) => isUnmade(join(place, name));
    expect(await Promise.all(["absent", "empty"].map(unmade))).toStrictEqual([true, true]);
    expect(await Promise.all(["file", "file/inside"].map(unmade))).toStrictEqual([false, false]);
    expect(await isUnmade(path)).toBe(false);
  });
});

describe("readDataKeys", () => {
  it("derives keys that differ and belong to the folder", async () => {
    const keys = await Promise.all(
      ["one", "two"].map(async (name) => readDataKeys(await prepare(join(place, name)))),
    );
    const all = keys.flatMap((set) => Object.values(set).map((key) => Buffer.from(key).toString("hex")));
    expect(all).toHaveLength(12);
    expect(new Set(all).size).toBe(all.length);
    expect(all.every((key) => key.length === 64)).toBe(true);
  });

  it("refuses a secret that was cut", async () => {
    const folder = await prepare(join(place, "data"));
    await files.truncate(join(folder.keys, "secret"), 31);
    await expect(readDataKeys(folder)).rejects.toMatchObject({ name: "FolderUnusable" });
  });
});
