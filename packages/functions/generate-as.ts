/** @module generate in the name of one invocation: whoever submits is known by it, and known dead after its deadline. */
import { submitterOf } from "@atelier/aws/step-functions";
import { type GenerateDeps, type GenerateInput, generate } from "@atelier/core/workflow/steps/generate";
import type { Invocation } from "./runtime.ts";

export function generateAs(
  input: GenerateInput,
  deps: Omit<GenerateDeps, "submitter">,
  invocation: Invocation,
): Promise<void> {
  return generate(input, { ...deps, submitter: submitterOf(invocation) });
}
