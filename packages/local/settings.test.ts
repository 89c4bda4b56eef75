import { randomBytes } from "node:crypto";
import * as files from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type DataFolder, prepareDataFolder } from "./data-folder.ts";
import { changeSettings, readSettings } from "./settings.ts";

let folder: DataFolder;
beforeEach(async () => {
  const path = await files.mkdtemp(join(tmpdir(), "atelier-settings-"));
  folder = await prepareDataFolder({ path, clock: () => 0, randomBytes });
});
afterEach(() => files.rm(folder.path, { recursive: true }));

it("has none to begin with, merges changes and removes what is undefined", async () => {
  expect(await readSettings(folder)).toStrictEqual({});
  await changeSettings({ folder, randomBytes }, { provider: "replicate", budget_usd: 2.5 });
  await changeSettings({ folder, randomBytes }, { timezone: "Europe/Paris", budget_usd: undefined });
  expect(await readSettings(folder)).toStrictEqual({ provider: "replicate", timezone: "Europe/Paris" });
});

it.each([
  ["{", "is not JSON"],
  ["[]", "is wrong"],
  ['{"provder":"replicate"}', "provder"],
  ['{"provider":""}', '"provider"'],
  ['{"budget_usd":-1}', '"budget_usd"'],
  ['{"budget_month_usd":0.0000001}', '"budget_month_usd"'],
  ['{"timezone":"Paris"}', '"timezone"'],
])("refuses %s, naming file and field", async (text, words) => {
  await files.writeFile(folder.settings, text);
  await expect(readSettings(folder)).rejects.toMatchObject({
    name: "ConfigurationInvalid",
    message: expect.stringMatching(new RegExp(`settings\\.json .*${words}.*correct or delete the file\\.$`)),
  });
});

it("refuses a wrong change and leaves the file alone", async () => {
  await changeSettings({ folder, randomBytes }, { budget_usd: 1 });
  await expect(changeSettings({ folder, randomBytes }, { budget_usd: Number.NaN })).rejects.toMatchObject({
    name: "ConfigurationInvalid",
  });
  expect(await readSettings(folder)).toStrictEqual({ budget_usd: 1 });
});
