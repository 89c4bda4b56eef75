/** @module All commands together, and what commander has to say about them in our words. */
import { closestName, unknownName } from "@atelier/core/closest";
import type { AtelierError } from "@atelier/core/errors";
import { Command, type CommanderError } from "commander";
import { addAlerts } from "./commands/alerts.ts";
import { addAttest } from "./commands/attest.ts";
import { addAudit } from "./commands/audit.ts";
import { addBudget } from "./commands/budget.ts";
import { addCancel } from "./commands/cancel.ts";
import { addCustom } from "./commands/custom.ts";
import { addExport } from "./commands/export.ts";
import { addGenerate } from "./commands/generate.ts";
import { addImages } from "./commands/images.ts";
import { addImport } from "./commands/import.ts";
import { addMetrics } from "./commands/metrics.ts";
import { addModels } from "./commands/models.ts";
import { addPlan } from "./commands/plan.ts";
import { addPrivacy } from "./commands/privacy.ts";
import { addRequests } from "./commands/requests.ts";
import { addResume } from "./commands/resume.ts";
import { addReview } from "./commands/review.ts";
import { addServe } from "./commands/serve.ts";
import type { Act } from "./commands/shared.ts";
import { addShow } from "./commands/show.ts";
import { addTemplates } from "./commands/templates.ts";
import { addVerify } from "./commands/verify.ts";
import { addVersions } from "./commands/versions.ts";
import { usageError } from "./options.ts";
import manifest from "./package.json" with { type: "json" };

const AFTER_HELP = `
\`atelier help generate\` explains a command. Nothing is bought unless --provider or a setting of the data folder says
so: the provider is the sandbox, which draws placeholders.

What the fields of --json are, and the API: docs/openapi.json, or the page /reference of \`atelier serve\`.

Exit codes: 0 done, 1 an image failed, 2 usage or configuration, 3 policy or terms, 4 budget, 130 stopped.`;

/**
 * @param write takes help and version
 * @param widthColumns of the help
 */
export function buildProgram(act: Act, write: (text: string) => void, widthColumns: number): Command {
  const program = new Command("atelier")
    .description("Makes images on a calendar: planned, bought once, checked, developed, filed and recorded.")
    .version(manifest.version, "--version", "print the version")
    .helpOption("-h, --help", "explain a command")
    .helpCommand("help [command]", "explain a command")
    // What commander would say on standard error is said by `usageErrorOf`, in one line.
    .configureOutput({
      writeOut: write,
      writeErr: () => {},
      getOutHelpWidth: () => widthColumns,
      getOutHasColors: () => false,
    })
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .option("--data <folder>", "where everything is kept (default: ATELIER_DATA, else .atelier)", (text) => {
      if (text === "") throw usageError("--data is empty; give a folder.");
      return text;
    })
    .option(
      "--provider <name>",
      "who makes the pictures: a provider of templates/models.yaml, or any for the best of those that are configured",
    )
    .option("--json", "one JSON document a line on standard output")
    .addHelpText("after", AFTER_HELP);
  for (const add of [addPlan, addGenerate, addCustom, addImages, addShow, addRequests]) add(program, act);
  for (const add of [
    addTemplates,
    addModels,
    addMetrics,
    addAlerts,
    addBudget,
    addAudit,
    addVersions,
    addReview,
    addAttest,
    addPrivacy,
    addResume,
    addCancel,
    addServe,
    addVerify,
    addExport,
    addImport,
  ])
    add(program, act);
  return program;
}

/**
 * The words of a command line as commander takes them best: `help budget set` as `budget set --help`.
 *
 * @throws AtelierError `UnknownName` for a command that does not exist, even where help is asked for
 */
export function checkedWords(program: Command, words: readonly string[]): readonly string[] {
  const help = words[0] === "help";
  let command = program;
  for (const word of help ? words.slice(1) : words) {
    if (word.startsWith("-") || command.commands.length === 0) break;
    const next = command.commands.find((candidate) => candidate.name() === word);
    // A word that is no command of it is what the command is given.
    if (next === undefined && command.registeredArguments.length > 0) break;
    if (next === undefined) {
      const names = command.commands.map((candidate) => candidate.name());
      throw unknownName(command === program ? "command" : `command of ${command.name()}`, word, names);
    }
    command = next;
  }
  return help ? [...words.slice(1), "--help"] : words;
}

/** Commander's complaint in one sentence, with the option that was probably meant and where to look. */
export function usageErrorOf(
  error: CommanderError,
  program: Command,
  words: readonly string[],
): AtelierError {
  const command = commandOf(program, words);
  const path = command === program ? "" : ` ${namesOf(command).join(" ")}`;
  const see = `see \`atelier help${path}\``;
  const quoted = /'([^']*)'/.exec(error.message)?.[1] ?? "";
  switch (error.code) {
    case "commander.help":
      return usageError(`A command is missing; ${see}.`);
    case "commander.unknownOption": {
      // Only the flag: what follows "=" may be a prompt.
      const flag = quoted.replace(/=.*$/s, "");
      const near = closestName(flag, flagsOf(command));
      return usageError(
        `There is no option ${flag}${near === null ? "" : ` (did you mean ${near}?)`}; ${see}.`,
      );
    }
    case "commander.optionMissingArgument":
      return usageError(`The option ${quoted} needs a value; ${see}.`);
    case "commander.missingArgument":
      return usageError(`\`atelier${path}\` needs ${quoted.toUpperCase()}; ${see}.`);
    case "commander.excessArguments":
      return usageError(
        `There are too many words after \`atelier${path}\`; put quotes around a text with blanks, and ${see}.`,
      );
    default:
      return usageError(`${error.message.replace(/^error: /, "")}; ${see}.`);
  }
}

function commandOf(program: Command, words: readonly string[]): Command {
  let command = program;
  for (const word of words) {
    const next = command.commands.find((candidate) => candidate.name() === word);
    if (next === undefined && !word.startsWith("-")) break;
    command = next ?? command;
  }
  return command;
}

function namesOf(command: Command): string[] {
  return command.parent === null ? [] : [...namesOf(command.parent), command.name()];
}

function flagsOf(command: Command): string[] {
  const own = command.options.flatMap((option) => (option.long ? [option.long] : []));
  return command.parent === null ? [...own, "--help"] : [...own, ...flagsOf(command.parent)];
}
