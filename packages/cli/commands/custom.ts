/** @module `atelier custom`: images of prompts that the caller writes. */
import { CATEGORY_NAMES, type CategoryName } from "@atelier/core/catalogue";
import type { Micros } from "@atelier/core/money";
import { checkedPrompt } from "@atelier/core/prompt";
import type { Command } from "commander";
import { refusalsAtLines } from "../documents.ts";
import type { ExitCode } from "../exit-codes.ts";
import { usageError } from "../options.ts";
import { produce } from "../produce.ts";
import { type PromptDefaults, type ReadPrompts, readPrompts } from "../prompts-file.ts";
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

interface CustomOptions extends ParameterOptions {
  readonly prompt?: string;
  readonly prompts?: string;
  readonly negative?: string;
  readonly category?: CategoryName;
  readonly model?: string;
  readonly seed?: number;
  readonly maxCost?: Micros;
  readonly dryRun?: boolean;
}

export function addCustom(program: Command, act: Act): void {
  const command = program
    .command("custom")
    .summary("images of your own prompts")
    .description("Makes an image of a prompt of your own, or of each prompt of a file of JSON lines.")
    .option("--prompt <text>", "what the picture shows")
    .option(
      "--prompts <file>",
      "JSON lines with prompt, negative_prompt, category, parameters; - for standard input",
    )
    .option("--negative <text>", "what it must not show");
  addCategoryOption(command, `where it is filed: ${CATEGORY_NAMES.join(", ")} (default: custom)`);
  addParameterOptions(command);
  addSeedOption(command, "repeats a picture; drawn when left out");
  addModelOption(command);
  addMaxCostOption(command);
  addDryRunOption(command).action((options: CustomOptions) => act((session) => custom(session, options)));
  addExamples(command, [
    'atelier custom --prompt "a lighthouse in the fog, long exposure"',
    'atelier custom --prompt "a still life with pears" --width 768 --height 512 --dry-run',
    "atelier custom --prompts prompts.jsonl --max-cost 2 --json",
  ]);
}

async function custom(session: Session, options: CustomOptions): Promise<ExitCode> {
  const { prompts, lines } = await promptsOf(session, options);
  const maxCostMicros = options.maxCost ?? null;
  if (!options.dryRun) {
    return produce(
      session,
      async (atelier, run) => refusalsAtLines(await atelier.custom(prompts, { maxCostMicros }, run), lines),
      () => "No image was made.",
    );
  }
  return session.withAtelier(async (atelier) =>
    reportVariations(await atelier.previewCustom(prompts), maxCostMicros, session, lines),
  );
}

async function promptsOf({ io, loadCatalogue }: Session, options: CustomOptions): Promise<ReadPrompts> {
  if (options.prompt !== undefined && options.prompts !== undefined) {
    throw usageError("--prompt and --prompts exclude each other; give one of them.");
  }
  if (options.model !== undefined) checkModel(await loadCatalogue(), options.model);
  const defaults: PromptDefaults = {
    negativePrompt: options.negative ?? "",
    category: options.category ?? "custom",
    parameters: parametersOf(options),
    model: options.model ?? null,
    seed: options.seed ?? null,
  };
  if (options.prompts !== undefined) return readPrompts(options.prompts, defaults, io);
  if (options.prompt === undefined) {
    throw usageError("There is nothing to make: give --prompt with a text or --prompts with a file.");
  }
  const checked = checkedPrompt({ prompt: options.prompt, negativePrompt: defaults.negativePrompt });
  return { prompts: [{ ...defaults, ...checked }], lines: [] };
}
