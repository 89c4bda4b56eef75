/** @module The seven steps as the state machine calls them: input parsed once, at this edge, then the step. */

import { STEP_NAMES, type StepName } from "@atelier/core/workflow/definition";
import { attemptInputSchema, imageInputSchema } from "@atelier/core/workflow/ownership";
import { type AbandonDeps, abandon, abandonInputSchema } from "@atelier/core/workflow/steps/abandon";
import { type CollectDeps, collect } from "@atelier/core/workflow/steps/collect";
import { type GenerateDeps, generate, generateInputSchema } from "@atelier/core/workflow/steps/generate";
import { type PlanDeps, plan, planInputSchema } from "@atelier/core/workflow/steps/plan";
import { type ProcessDeps, process } from "@atelier/core/workflow/steps/process";
import { type RecordDeps, record, recordInputSchema } from "@atelier/core/workflow/steps/record";
import { type ValidateDeps, validate } from "@atelier/core/workflow/steps/validate";
import type { Handler } from "./state-machine.ts";

export type StepDeps = PlanDeps &
  ValidateDeps &
  GenerateDeps &
  CollectDeps &
  ProcessDeps &
  RecordDeps &
  AbandonDeps;

/** Function names of the local machine: the steps' own. */
export const LOCAL_FUNCTIONS = Object.fromEntries(STEP_NAMES.map((name) => [name, name])) as Record<
  StepName,
  string
>;

export function createHandlers(deps: StepDeps): Record<StepName, Handler> {
  return {
    plan: async (payload) => plan(planInputSchema.parse(payload), deps),
    validate: async (payload) => validate(imageInputSchema.parse(payload), deps),
    generate: async (payload) => generate(generateInputSchema.parse(payload), deps),
    collect: async (payload) => collect(attemptInputSchema.parse(payload), deps),
    process: async (payload) => process(attemptInputSchema.parse(payload), deps),
    record: async (payload) => record(recordInputSchema.parse(payload), deps),
    abandon: async (payload) => abandon(abandonInputSchema.parse(payload), deps),
  };
}
