/** @module `atelier generate`: images of a category, from its templates. */
import { CATEGORY_NAMES, type Catalogue, type CategoryName } from "@atelier/core/catalogue";
import { unknownName } from "@atelier/core/closest";
import type { Micros } from "@atelier/core/money";
import type { GenerateOptions } from "@atelier/local/facade";
import type { Command } from "commander";
import type { ExitCode } from "../exit-codes.ts";
import { usageError, VARIATIONS_MAX, wholeNumber } from "../options.ts";
import { produce } from "../produce.ts";
import type { Session } from "../session.ts";
import { reportVariations } from "../variation-report.ts";
import {
  type Act,
  addCategoryOption,
  addDryRunOption,
  addExamples,
  addMaxCostOption,
  addModelOption,
  addParameterOptions,
  addSeedOption,
  checkModel,
  type ParameterOptions,
  parametersOf,
} from "./shared.ts";

interface GenerateCommandOptions extends ParameterOptions {
  readonly category?: CategoryName;
  readonly template?: string;
  readonly variations: number;
  readonly seed?: number;
  readonly model?: string;
  readonly maxCost?: Micros;
  readonly dryRun?: boolean;
}

export function addGenerate(program: Command, act: Act): void {
  const command = program
    .command("generate")
    .summary("images of a category, from its templates")
    .description("Makes images of a category from its templates. The same seed gives the same prompts.");
  addCategoryOption(command, `one of ${CATEGORY_NAMES.filter((name) => name !== "custom").join(", ")}`)
    .option("--template <name>", "one template (default: the category's in turn)")
    .option(
      "--variations <number>",
      `how many images, 1 to ${VARIATIONS_MAX}`,
      (text) => wholeNumber("--variations", text, 1, VARIATIONS_MAX),
      1,
    );
  addSeedOption(command, "repeats a batch; drawn when left out");
  addModelOption(command);
  addParameterOptions(command);
  addMaxCostOption(command);
  addDryRunOption(command).action((options: GenerateCommandOptions) =>
    act((session) => generate(session, options)),
  );
  addExamples(command, [
    "atelier generate --category weekend_special --variations 3",
    "atelier generate --category lingerie --template lingerie_red_satin --seed 7 --dry-run",
    "atelier generate --category feet --variations 10 --max-cost 0.50 --json",
  ]);
}

async function generate(session: Session, options: GenerateCommandOptions): Promise<ExitCode> {
  const wanted = checked(options, await session.loadCatalogue());
  if (!options.dryRun) {
    return produce(
      session,
      (atelier, run) => atelier.generate(wanted, run),
      () => "No image was made.",
    );
  }
  return session.withAtelier(async (atelier) =>
    reportVariations(await atelier.previewGenerate(wanted), wanted.maxCostMicros, session),
  );
}

function checked(options: GenerateCommandOptions, catalogue: Catalogue): GenerateOptions {
  const category = catalogue.categories.find(({ name }) => name === options.category);
  if (category === undefined) {
    const names = catalogue.categories.map(({ name }) => name).join(", ");
    throw usageError(`--category is missing; choose one of ${names}.`);
  }
  if (category.templates.length === 0) {
    throw usageError(
      `The category ${category.name} has no templates; write the prompt yourself with \`atelier custom --prompt\`.`,
    );
  }
  if (options.template !== undefined) checkTemplate(options.template, category.name, catalogue);
  checkModel(catalogue, options.model);
  return {
    category: category.name,
    template: options.template ?? null,
    count: options.variations,
    seed: options.seed ?? null,
    model: options.model ?? null,
    maxCostMicros: options.maxCost ?? null,
    parameters: parametersOf(options),
  };
}

function checkTemplate(template: string, category: CategoryName, { categories }: Catalogue): void {
  const owner = categories.find(({ templates }) => templates.some(({ name }) => name === template));
  if (owner?.name === category) return;
  if (owner !== undefined) {
    throw usageError(
      `The template ${template} belongs to ${owner.name}; give --category ${owner.name} with it.`,
    );
  }
  const templates = categories.find(({ name }) => name === category)?.templates ?? [];
  throw unknownName(
    "template",
    template,
    templates.map(({ name }) => name),
  );
}
