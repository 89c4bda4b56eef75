/**
 * @module A process that produces the plan of a day, prints the id of each image, and kills its whole process group at one step
 * boundary.
 *
 * Arguments: data folder, file with the catalogue, date, step, phase (`entered` or `left`), how many times it is passed first.
 */
import { readFile } from "node:fs/promises";
import type { Catalogue } from "@atelier/core/catalogue";
import { openInstallation } from "@atelier/local/installation";
import { runPlanOf } from "@atelier/local/planned";
import { withBackstop } from "@atelier/local/runs";

const [dataFolder = "", catalogueFile = "", date = "", wantedStep = "", wantedPhase = "", passes = "0"] =
  process.argv.slice(2);
let left = Number(passes);

const catalogue = JSON.parse(await readFile(catalogueFile, "utf8")) as Catalogue;
const installation = await openInstallation({ dataFolder, catalogue, provider: null, environment: {} });
installation.onStep(({ name, phase }) => {
  if (name !== wantedStep || phase !== wantedPhase || left-- > 0) return;
  // The group: whatever this process has started dies with it, as when a machine goes down.
  process.kill(-process.pid, "SIGKILL");
});
for (const { imageId } of await withBackstop(installation, runPlanOf(date, {}, installation))) {
  process.stdout.write(`${imageId}\n`);
}
await installation.close();
