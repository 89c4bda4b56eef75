/** @module Our words in the parameter names of one model, as the catalogue has them. */
import type { Model } from "@atelier/core/catalogue";
import type { ProviderRequest } from "@atelier/core/provider";

export type ModelInput = Record<string, string | number | boolean>;

/**
 * What a model is asked, by its own names. Numbers are brought into the model's range, a size that the model does not have becomes
 * the nearest one, and what it does not take at all is left out.
 */
export function modelInput(request: ProviderRequest): ModelInput {
  const { model, parameters } = request;
  const input: ModelInput = { ...model.extras };
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

function sizeInput(sizes: Model["sizes"], width: number, height: number): ModelInput {
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
