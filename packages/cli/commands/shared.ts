/** @module Options that several commands take, in the same words. */
import type { Catalogue, CategoryName, Parameters } from "@atelier/core/catalogue";
import { CATEGORY_NAMES } from "@atelier/core/catalogue";
import { microsFromUsd } from "@atelier/core/money";
import type { Command } from "commander";
import {
  calendarDate,
  LIST_LIMIT_DEFAULT,
  LIST_LIMIT_MAX,
  oneOf,
  pictureParameterText,
  rangeOf,
  SEED_MAX,
  wholeNumber,
} from "../options.ts";
import type { Work } from "../session.ts";

/** Runs the work of the command that was given; `run.ts` keeps its exit code. */
export type Act = (work: Work) => Promise<void>;

export interface ParameterOptions {
  readonly width?: number;
  readonly height?: number;
  readonly steps?: number;
  readonly guidance?: number;
}

export function addParameterOptions(command: Command): Command {
  return command
    .option("--width <pixels>", `a multiple of 8 ${rangeOf("width")}`, (text) =>
      pictureParameterText("--width", text, "width"),
    )
    .option("--height <pixels>", `a multiple of 8 ${rangeOf("height")}`, (text) =>
      pictureParameterText("--height", text, "height"),
    )
    .option("--steps <number>", `a whole number ${rangeOf("steps")}`, (text) =>
      pictureParameterText("--steps", text, "steps"),
    )
    .option("--guidance <number>", `a number ${rangeOf("guidanceScale")}`, (text) =>
      pictureParameterText("--guidance", text, "guidanceScale"),
    );
}

export function parametersOf({ guidance, width, height, steps }: ParameterOptions): Partial<Parameters> {
  return {
    ...(width === undefined ? {} : { width }),
    ...(height === undefined ? {} : { height }),
    ...(steps === undefined ? {} : { steps }),
    ...(guidance === undefined ? {} : { guidanceScale: guidance }),
  };
}

export function addCategoryOption(command: Command, description: string): Command {
  return command.option("--category <name>", description, (text) => categoryName(text));
}

export function categoryName(text: string): CategoryName {
  return oneOf("category", text, CATEGORY_NAMES);
}

export function addModelOption(command: Command): Command {
  return command.option("--model <name>", "this model and no other (see `atelier models`)");
}

/** @throws AtelierError `UnknownName` */
export function checkModel(catalogue: Catalogue, model: string | undefined): void {
  if (model === undefined) return;
  oneOf(
    "model",
    model,
    catalogue.models.map(({ name }) => name),
  );
}

export function addSeedOption(command: Command, description: string): Command {
  return command.option("--seed <number>", `${description} (1 to ${SEED_MAX})`, (text) =>
    wholeNumber("--seed", text, 1, SEED_MAX),
  );
}

export function addMaxCostOption(command: Command): Command {
  return command.option("--max-cost <usd>", "the most that the whole command may cost", (text) =>
    microsFromUsd(text, "--max-cost"),
  );
}

export function addDryRunOption(command: Command): Command {
  return command.option("--dry-run", "print prompts, models and prices; buy nothing");
}

export function addDateOption(
  command: Command,
  name: "date" | "since" | "until",
  description: string,
): Command {
  return command.option(`--${name} <day>`, description, (text) => calendarDate(`--${name}`, text));
}

export function addLimitOption(command: Command, description: string): Command {
  return command.option(
    "--limit <number>",
    `${description}, 1 to ${LIST_LIMIT_MAX}`,
    (text) => wholeNumber("--limit", text, 1, LIST_LIMIT_MAX),
    LIST_LIMIT_DEFAULT,
  );
}

export function addExamples(command: Command, examples: readonly string[]): Command {
  return command.addHelpText("after", `\nExamples:\n${examples.map((line) => `  ${line}`).join("\n")}`);
}
