/** @module `atelier export` and `atelier import` as far as they need no engine: what is wrong is said in one line. */
import * as files from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { captured } from "./testing/captured-run.ts";

let root: string;
beforeAll(async () => {
  root = await files.mkdtemp(join(tmpdir(), "atelier-cli-library-"));
  await files.writeFile(join(root, "library.json"), '{"format": 2}');
});
afterAll(() => files.rm(root, { recursive: true, force: true }));

test.each([
  [["export"], 2, /needs FOLDER/],
  [["export", "", "--verify"], 2, /name is empty/],
  [
    ["export", "nowhere", "--verify"],
    2,
    /nowhere holds no exported library; give a folder that `atelier export` wrote/,
  ],
  [["export", "nowhere", "--verify", "--without-keys"], 2, /--verify takes no --without-keys/],
  [["import", "nowhere", "--data", "new"], 2, /nowhere holds no exported library/],
  [["import", "ROOT", "--data", "new"], 2, /is a library of format 2, and this Atelier knows 1; upgrade/],
  [["import", "nowhere", "--keys", ""], 2, /name is empty/],
])("%j", async (words, exitCode, said) => {
  const run = await captured(words.map((word) => (word === "ROOT" ? root : word)));
  expect(run).toMatchObject({ exitCode, stdout: "" });
  expect(run.stderr).toMatch(said);
  expect(run.stderr.trimEnd().split("\n")).toHaveLength(1);
});
