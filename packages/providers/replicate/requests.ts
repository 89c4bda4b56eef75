/** @module What we ask of Replicate: our words in the parameter names of one model version. */
import type { ProviderRequest, SubmitContext } from "@atelier/core/provider";
import { type ModelInput, modelInput } from "../model-input.ts";

export interface CreateBody {
  readonly version: string;
  readonly input: ModelInput;
  readonly webhook?: string;
  readonly webhook_events_filter?: ["completed"];
}

/** `Cancel-After` takes no less (Replicate's OpenAPI description). */
const CANCEL_AFTER_SECONDS_MIN = 5;

/** The whole body of a create: Replicate refuses any other key at this level. */
export function createBody(request: ProviderRequest, context: SubmitContext): CreateBody {
  return {
    // Official models have no version of their own: their name stands in its place.
    version: request.model.version ?? request.model.model,
    input: modelInput(request),
    ...(context.webhookUrl === null
      ? {}
      : { webhook: context.webhookUrl, webhook_events_filter: ["completed"] }),
  };
}

/** The deadline as the header takes it, in whole seconds. */
export function cancelAfter(deadlineMs: number): string {
  return `${Math.max(CANCEL_AFTER_SECONDS_MIN, Math.ceil(deadlineMs / 1000))}s`;
}
