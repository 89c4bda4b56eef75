/** @module What we ask of Replicate: our words in the parameter names of one model version. */
import type { Model } from "@atelier/core/catalogue";
import type { ProviderRequest, SubmitContext } from "@atelier/core/provider";

export type PredictionInput = Record<string, string | number | boolean>;

export interface CreateBody {
  readonly version: string;
  readonly input: PredictionInput;
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
    input: predictionInput(request),
    ...(context.webhookUrl === null
      ? {}
      : { webhook: context.webhookUrl, webhook_events_filter: ["completed"] }),
  };
}

/** The deadline as the header takes it, in whole seconds. */
export function cancelAfter(deadlineMs: number): string {
  return `${Math.max(CANCEL_AFTER_SECONDS_MIN, Math.ceil(deadlineMs / 1000))}s`;
}

/**
 * The `input` of a prediction. Numbers are brought into the model's range, a size that the model does not have becomes
 * the nearest one, and what it does not take at all is left out.
 */
export function predictionInput(request: ProviderRequest): PredictionInput {
  const { model, parameters } = request;
  const input: PredictionInput = { ...model.extras };
  input[model.prompt.parameter] = request.prompt;
  if (model.negativePrompt !== null && request.negativePrompt !== "") {
    input[model.negativePrompt] = request.negativePrompt;
  }
  Object.assign(input, sizeInput(model.sizes, parameters.width, parameters.height));
  if (model.steps !== null) {
    input[model.steps.parameter] = Math.round(clamp(parameters.steps, model.steps.min, model.steps.max));
  }
  if (model.guidanceScale !== null) {
    const { parameter, min, max } = model.guidanceScale;
    input[parameter] = clamp(parameters.guidanceScale, min, max);
  }
  input[model.seed] = request.seed;
  if (model.outputs !== null) input[model.outputs] = 1;
  return input;
}

function sizeInput(sizes: Model["sizes"], width: number, height: number): PredictionInput {
  switch (sizes.kind) {
    case "range": {
      const side = (pixels: number) =>
        clamp(Math.round(pixels / sizes.multipleOf) * sizes.multipleOf, sizes.min, sizes.max);
      return { [sizes.width]: side(width), [sizes.height]: side(height) };
    }
    case "dimensions":
      return {
        [sizes.parameter]: nearest(
          sizes.values.map((size) => [size, size]),
          width,
          height,
        ),
      };
    case "aspect":
      return { [sizes.parameter]: nearest(Object.entries(sizes.values), width, height) };
  }
}

/** The name whose size has the closest shape, then the closest area; both compared as ratios. */
function nearest(
  sizes: readonly (readonly [name: string, size: string])[],
  width: number,
  height: number,
): string {
  const ranked = sizes.map(([name, size]) => {
    const [w = 1, h = 1] = size.split("x").map(Number);
    const shape = Math.abs(Math.log((w * height) / (h * width)));
    const area = Math.abs(Math.log((w * h) / (width * height)));
    return { name, shape, area };
  });
  ranked.sort((a, b) => a.shape - b.shape || a.area - b.area);
  return ranked[0]?.name ?? `${width}x${height}`;
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}
