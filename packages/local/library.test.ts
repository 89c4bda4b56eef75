/** @module A library on its way from one folder to another: the same comes out, and rubbish does not come in. */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as files from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Atelier } from "./facade.ts";
import { openAtelier } from "./index.ts";
import { type ImportOptions, importLibrary } from "./library-import.ts";
import { verifyLibrary } from "./library-read.ts";
import { machineName } from "./process-identity.ts";

const clock = () => Date.now();
const imported = (options: ImportOptions) => importLibrary(options, { clock, randomBytes });
const open = (dataFolder: string) => openAtelier({ dataFolder, provider: null, environment: {} });
const OPTIONS = {
  category: "feet",
  template: null,
  count: 1,
  model: null,
  maxCostMicros: null,
  parameters: { width: 256, height: 256 },
} as const;

let root: string;
let source: Atelier;
let exported: string;
const at = (name: string) => join(root, name);

beforeAll(async () => {
  root = await files.mkdtemp(join(tmpdir(), "atelier-library-"));
  source = await open(at("source"));
  await source.generate({ ...OPTIONS, count: 2, seed: 7 }, {});
  await source.custom(
    [
      {
        prompt: "a boat\u2028on a pond",
        negativePrompt: "",
        model: null,
        seed: 13,
        category: "custom",
        parameters: { width: 256, height: 256 },
      },
    ],
    { maxCostMicros: null },
    {},
  );
  await source.setBudget("category:feet", 5_000_000);
  exported = at("exported");
  await source.exportLibrary(exported, { withKeys: true });
}, 60_000);
afterAll(async () => {
  await source?.close();
  await files.rm(root, { recursive: true, force: true });
});

/** Everything that people and programs see of a library. */
async function seenOf(atelier: Atelier) {
  const images = await Array.fromAsync(atelier.images({ limit: 100 }));
  return {
    images,
    shown: await Promise.all(images.map(({ image_id }) => atelier.show(image_id))),
    audit: await Array.fromAsync(atelier.exportAudit(null)),
    budget: await atelier.budget(),
  };
}

/** The bytes of every filed picture, by path. */
async function bytesOf(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const place of ["originals", "content"]) {
    const entries = await files.readdir(join(folder, place), { recursive: true, withFileTypes: true });
    for (const entry of entries.filter((candidate) => candidate.isFile())) {
      const path = join(entry.parentPath, entry.name);
      found[path.slice(folder.length)] = (await files.readFile(path)).toString("base64");
    }
  }
  return found;
}

async function copyOfExport(name: string): Promise<string> {
  await files.cp(exported, at(name), { recursive: true });
  return at(name);
}

describe("a restored library", () => {
  test("is the same, byte by byte, and goes on", async () => {
    const report = await imported({ from: exported, to: at("restored") });
    expect(report).toMatchObject({ has_keys: true, missing: 0, audit: { broken: [] } });
    const restored = await open(at("restored"));
    try {
      const seen = await seenOf(restored);
      expect(seen).toStrictEqual(await seenOf(source));
      expect(seen.images.map(({ prompt }) => prompt)).toContain("a boat\u2028on a pond");
      expect(await bytesOf(at("restored"))).toStrictEqual(await bytesOf(at("source")));
      const [more] = await restored.generate({ ...OPTIONS, seed: 9 }, {});
      expect(more).toMatchObject({ status: "completed", verdict: { basis: "sandbox-mark" } });
      for await (const { problems } of restored.verifyAudit(null)) expect(problems).toStrictEqual([]);
      expect(await Array.fromAsync(restored.images({ limit: 100 }))).toHaveLength(4);
    } finally {
      await restored.close();
    }
  }, 60_000);

  test("comes out of the restored folder again as the same records and files", async () => {
    await imported({ from: exported, to: at("second") });
    const second = await open(at("second"));
    try {
      await second.exportLibrary(at("again"), { withKeys: true });
    } finally {
      await second.close();
    }
    for (const name of ["records.jsonl", "files.jsonl"]) {
      const [one, other] = await Promise.all(
        [exported, at("again")].map((path) => files.readFile(join(path, name), "utf8")),
      );
      expect(one?.split("\n").sort()).toStrictEqual(other?.split("\n").sort());
    }
  }, 60_000);

  test("is for its owner alone", async () => {
    for (const [name, mode] of [
      ["", 0o700],
      ["keys", 0o700],
      ["keys/secret", 0o600],
      ["records.jsonl", 0o600],
    ] as const) {
      expect((await files.stat(join(exported, name))).mode & 0o777, name).toBe(mode);
    }
  });
});

test("an export while another works is the library of one moment: it is restored, and all of it holds", async () => {
  const working = source.generate({ ...OPTIONS, count: 3, seed: 11 }, {});
  const reports = [];
  for (let round = 0; round < 2; round++) {
    reports.push(await source.exportLibrary(at(`busy-${round}`), { withKeys: true }));
  }
  await working;
  expect(reports.map(({ missing }) => missing)).toStrictEqual([0, 0]);
  for (const [round, { records }] of reports.entries()) {
    const report = await imported({ from: at(`busy-${round}`), to: at(`idle-${round}`) });
    expect(report.records).toStrictEqual(records);
    expect(report.audit.broken).toStrictEqual([]);
  }
  const restored = await open(at("idle-1"));
  await restored.resume({});
  const images = await Array.fromAsync(restored.images({ limit: 100 }));
  await restored.close();
  expect(images.length).toBeGreaterThanOrEqual(3);
  expect(images.filter(({ status }) => status !== "completed")).toStrictEqual([]);
}, 120_000);

describe("without keys", () => {
  test("pictures come back without their words, and with the keys everything does", async () => {
    await source.exportLibrary(at("keyless"), { withKeys: false });
    expect(await files.readdir(at("keyless"))).not.toContain("keys");
    expect(await imported({ from: at("keyless"), to: at("wordless") })).toMatchObject({ has_keys: false });
    const wordless = await open(at("wordless"));
    const seen = await Array.fromAsync(wordless.images({ limit: 1 }));
    await wordless.close();
    expect(seen).toMatchObject([{ prompt: null, status: "completed" }]);

    const keysFolder = join(at("source"), "keys");
    expect(await imported({ from: at("keyless"), to: at("worded"), keysFolder })).toMatchObject({
      has_keys: true,
    });
    const worded = await open(at("worded"));
    expect(await seenOf(worded)).toStrictEqual(await seenOf(source));
    await worded.close();
    await expect(
      imported({ from: at("keyless"), to: at("other"), keysFolder: join(at("wordless"), "keys") }),
    ).rejects.toMatchObject({
      name: "FolderUnusable",
      message: expect.stringContaining("does not hold this library's"),
    });
  }, 60_000);
});

describe("rubbish gets one sentence, and nothing is half done", () => {
  const first = async (folder: string) => {
    const [line = ""] = (await files.readFile(join(folder, "files.jsonl"), "utf8")).split("\n");
    return join(folder, "files", JSON.parse(line).key);
  };
  const edit = async (path: string, change: (text: string) => string) =>
    files.writeFile(path, change(await files.readFile(path, "utf8")));

  test.each<[string, (folder: string) => Promise<unknown>, RegExp]>([
    ["a missing file", async (folder) => files.rm(await first(folder)), /damaged: files\/.* is missing/],
    [
      "an altered byte",
      async (folder) => {
        const bytes = await files.readFile(await first(folder));
        bytes[100] = (bytes[100] ?? 0) ^ 1;
        await files.writeFile(await first(folder), bytes);
      },
      /files\/.* is not as it was written/,
    ],
    [
      "records cut off",
      (folder) => edit(join(folder, "records.jsonl"), (text) => text.slice(0, -200)),
      /records\.jsonl/,
    ],
    [
      "a record too few",
      (folder) => edit(join(folder, "records.jsonl"), (text) => text.slice(text.indexOf("\n") + 1)),
      /records\.jsonl has \d+ lines instead of \d+/,
    ],
    [
      "a record too many",
      (folder) =>
        edit(join(folder, "records.jsonl"), (text) => `${text}${text.slice(0, text.indexOf("\n") + 1)}`),
      /records\.jsonl has more lines/,
    ],
    [
      "a changed record",
      (folder) => edit(join(folder, "records.jsonl"), (text) => text.replace('"attempts":1', '"attempts":2')),
      /records\.jsonl is not as it was written/,
    ],
    ["no records", (folder) => files.rm(join(folder, "records.jsonl")), /records\.jsonl is missing/],
    [
      "a path out of the folder",
      (folder) =>
        edit(join(folder, "files.jsonl"), (text) => text.replace('"key":"content/', '"key":"../content/')),
      /names "\.\.\/content\/.*", which leads elsewhere/,
    ],
    [
      "a key of another name",
      (folder) => edit(join(folder, "library.json"), (text) => text.replace('"secret"', '"../secret"')),
      /library\.json names "\.\.\/secret"/,
    ],
    [
      "another key",
      (folder) => files.writeFile(join(folder, "keys", "secret"), randomBytes(32)),
      /keys\/secret is not/,
    ],
    ["no library", (folder) => files.rm(join(folder, "library.json")), /holds no exported library/],
    [
      "other JSON",
      (folder) => files.writeFile(join(folder, "library.json"), "[1]"),
      /holds no exported library/,
    ],
    [
      "a newer format",
      (folder) => edit(join(folder, "library.json"), (text) => text.replace('"format": 1', '"format": 2')),
      /is a library of format 2, and this Atelier knows 1; upgrade/,
    ],
    [
      "a cut-off library.json",
      (folder) => edit(join(folder, "library.json"), (text) => text.slice(0, 300)),
      /holds no exported library/,
    ],
  ])("%s", async (name, spoil, message) => {
    const from = await copyOfExport(`spoilt-${name}`);
    await spoil(from);
    const refusal = { message: expect.stringMatching(message) };
    await expect(imported({ from, to: at(`from-${name}`) })).rejects.toMatchObject(refusal);
    await expect(verifyLibrary(from)).rejects.toMatchObject(refusal);
    expect((await files.readdir(root)).filter((entry) => entry.includes(`from-${name}`))).toStrictEqual([]);
  });

  test("records of a newer Atelier", async () => {
    const from = await copyOfExport("newer");
    const path = join(from, "records.jsonl");
    await edit(path, (text) => text.replace('"schema":2', '"schema":9'));
    await expect(imported({ from, to: at("from-newer") })).rejects.toMatchObject({
      name: "FolderUnusable",
      message: expect.stringMatching(/has schema 9, and this Atelier knows those up to 2; upgrade/),
    });
  });

  test("targets that hold something", async () => {
    await files.mkdir(at("full"));
    await files.writeFile(at("full/note.txt"), "mine");
    const refusal = { name: "UsageError", message: expect.stringContaining("is not empty") };
    await expect(imported({ from: exported, to: at("full") })).rejects.toMatchObject(refusal);
    await expect(source.exportLibrary(at("full"), { withKeys: true })).rejects.toMatchObject(refusal);
    await expect(source.exportLibrary(exported, { withKeys: true })).rejects.toMatchObject(refusal);
    await expect(source.exportLibrary(at("source/out"), { withKeys: true })).rejects.toMatchObject({
      name: "UsageError",
      message: expect.stringContaining("is in the data folder"),
    });
    expect(await files.readdir(at("full"))).toStrictEqual(["note.txt"]);
  });

  test("a stop leaves nothing behind", async () => {
    const before = await files.readdir(root);
    const signal = AbortSignal.abort();
    await expect(source.exportLibrary(at("stopped"), { withKeys: true, signal })).rejects.toMatchObject({
      name: "Cancelled",
    });
    await expect(imported({ from: exported, to: at("stopped"), signal })).rejects.toMatchObject({
      name: "Cancelled",
    });
    expect(await files.readdir(root)).toStrictEqual(before);
  });

  test("what a killed process left beside a target goes with the next one there, and nothing else", async () => {
    const killed = spawnSync(process.execPath, ["-e", ""]).pid;
    const own = `${machineName()}.${process.pid}.0123456789ab`;
    const dead = `${machineName()}.${killed}.0123456789ab`;
    const left = [`.target.exporting-${dead}`, `.target.importing-${dead}`];
    const others = [
      `.target.exporting-${own}`,
      `.target.exporting-elsewhere-01234567.${killed}.0123456789ab`,
      `.target.exporting-notes.${killed}.txt`,
      `.target2.exporting-${dead}`,
    ];
    const there = async () => (await files.readdir(root)).filter((name) => name.startsWith(".target")).sort();
    for (const run of [
      () => source.exportLibrary(at("target"), { withKeys: true }),
      () => imported({ from: exported, to: at("target") }),
    ]) {
      for (const name of [...left, ...others]) await files.mkdir(at(`${name}/files`), { recursive: true });
      await run();
      expect(await there()).toStrictEqual(others.toSorted());
      await files.rm(at("target"), { recursive: true });
    }
    for (const name of others) await files.rm(at(name), { recursive: true });
  }, 60_000);
});
