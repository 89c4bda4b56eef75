/** @module `npm run --silent asl`: the state machine as Amazon States Language, with placeholders for the functions' names. */
import { definition, STEP_NAMES, type StepName } from "@atelier/core/workflow/definition";

const placeholders = Object.fromEntries(STEP_NAMES.map((name) => [name, `\${${name}}`])) as Record<
  StepName,
  string
>;
process.stdout.write(`${JSON.stringify(definition(placeholders), null, 2)}\n`);
