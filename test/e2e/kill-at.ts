/**
 * @module A process that produces the plan of a day and kills its whole process group at one step boundary.
 *
 * Arguments: data folder, templates folder, date, step, phase (`entered` or `left`), how many times it is passed first.
 */
import { openInstallation } from "@atelier/local/installation";
import { runPlanOf } from "@atelier/local/planned";
import { withBackstop } from "@atelier/local/runs";

const [dataFolder = "", templatesFolder = "", date = "", wantedStep = "", wantedPhase = "", passes = "0"] =
  process.argv.slice(2);
let left = Number(passes);

const installation = await openInstallation({ dataFolder, templatesFolder, provider: null, environment: {} });
installation.onStep(({ name, phase }) => {
  if (name !== wantedStep || phase !== wantedPhase || left-- > 0) return;
  // The group: whatever this process has started dies with it, as when a machine goes down.
  process.kill(-process.pid, "SIGKILL");
});
await withBackstop(installation, runPlanOf(date, {}, installation));
await installation.close();
