/**
 * @module What we ask of Stability AI. Which of its two interfaces serves a model is told by the model's own name: `core`,
 * `ultra` and `sd3…` are services of v2beta, anything else is an engine of v1.
 */
import type { Model } from "@atelier/core/catalogue";
import type { ProviderRequest } from "@atelier/core/provider";
import { type ModelInput, modelInput } from "../model-input.ts";
import { multipart } from "./multipart.ts";

export interface CreateRequest {
  /** Below the origin. */
  readonly path: string;
  /** Of the body; `accept` asks for the picture itself: half the bytes and far less work than base64 in JSON. */
  readonly headers: { readonly accept: string; readonly "content-type": string };
  readonly body: string;
}

export function isV1(model: Pick<Model, "model">): boolean {
  return serviceOf(model) === null;
}

export function createRequest(request: ProviderRequest): CreateRequest {
  const service = serviceOf(request.model);
  if (service === null) {
    return {
      path: `/v1/generation/${encodeURIComponent(request.model.model)}/text-to-image`,
      headers: { accept: "image/png", "content-type": "application/json" },
      body: JSON.stringify(engineBody(request)),
    };
  }
  const { contentType, body } = multipart({
    ...modelInput(request),
    ...(service === "sd3" ? { model: request.model.model } : {}),
  });
  return {
    path: `/v2beta/stable-image/generate/${service}`,
    headers: { accept: "image/*", "content-type": contentType },
    body,
  };
}

/** v2beta takes a form even without a file; every variant of Stable Diffusion 3 is one service. */
function serviceOf({ model }: Pick<Model, "model">): "core" | "ultra" | "sd3" | null {
  if (model === "core" || model === "ultra") return model;
  return model.startsWith("sd3") ? "sd3" : null;
}

/** v1 has prompts as a list with weights, the negative one weighing -1, and a size as two numbers. */
function engineBody(request: ProviderRequest): Record<string, unknown> {
  const { model, prompt, negativePrompt } = request;
  const input: ModelInput = modelInput(request);
  const texts = [{ text: prompt, weight: 1 }];
  delete input[model.prompt.parameter];
  if (model.negativePrompt !== null) {
    delete input[model.negativePrompt];
    if (negativePrompt !== "") texts.push({ text: negativePrompt, weight: -1 });
  }
  if (model.sizes.kind === "dimensions") {
    const [width, height] = String(input[model.sizes.parameter]).split("x").map(Number);
    delete input[model.sizes.parameter];
    return { ...input, text_prompts: texts, width, height };
  }
  return { ...input, text_prompts: texts };
}
