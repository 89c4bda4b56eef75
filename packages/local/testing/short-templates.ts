/** @module The shipped templates with one value in each slot, for tests that load them many times: judging each value is most of the work. */
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { TEMPLATES_FOLDER } from "../installed-catalogue.ts";

const CATEGORIES = ["artistic_nude", "feet", "lingerie", "weekend_special"] as const;
/** A value stands on a line of its own. */
const VALUES = /^( {8}- \{ text: .*\n)(?: {8}- \{ text: .*\n)+/gm;

/** @param whole the category that keeps all of its values */
export async function writeShortTemplates(
  folder: string,
  whole?: (typeof CATEGORIES)[number],
): Promise<void> {
  await cp(TEMPLATES_FOLDER, folder, { recursive: true });
  for (const category of CATEGORIES.filter((name) => name !== whole)) {
    const path = join(folder, "categories", `${category}.yaml`);
    await writeFile(path, (await readFile(path, "utf8")).replaceAll(VALUES, "$1"));
  }
}
