import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { removeContactSheetsOf } from "./contact-sheets.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "atelier-sheets-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("no sheet was made: there is nothing to remove", async () => {
  await expect(removeContactSheetsOf("img_x_00000", folder)).resolves.toBeUndefined();
});

test("sheets that cannot be listed may show the picture still: its removal does not pass for done", async () => {
  await writeFile(join(folder, "contact-sheets"), "a file where the folder should be");
  await expect(removeContactSheetsOf("img_x_00000", folder)).rejects.toMatchObject({
    name: "FolderUnusable",
    message: expect.stringContaining("contact-sheets"),
  });
});
