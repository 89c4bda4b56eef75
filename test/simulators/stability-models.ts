/** @module Stability AI's models for tests: an engine of v1, and a service of v2beta with and without a negative prompt. */
import { type Model, modelSchema } from "@atelier/core/catalogue";
import { STABILITY_ENGINE } from "./stability.ts";

const shared = {
  provider: "stability",
  version: null,
  buyable: true,
  verified: true,
  negativePrompt: "negative_prompt",
  prompt: { parameter: "prompt", charactersMax: 10_000 },
  seed: "seed",
  outputs: null,
  licence: { rating: "general", reviewed: "2026-11-01", source: "test" },
  typicalSeconds: 5,
};
const sizes = {
  kind: "aspect",
  parameter: "aspect_ratio",
  values: { "1:1": "1024x1024", "3:2": "1216x832", "9:16": "768x1344" },
};

/** v1: prompts with weights, fixed sizes. */
export const ENGINE: Model = modelSchema.parse({
  ...shared,
  name: "stable-diffusion-xl",
  model: STABILITY_ENGINE,
  price: { per: "credit", usd: 0.01, credits: 0.9, steps: [{ stepsMax: 30, credits: 0.6 }] },
  sizes: { kind: "dimensions", parameter: "width x height", values: ["1024x1024", "1216x832"] },
  prompt: { parameter: "text_prompts", charactersMax: 2_000 },
  negativePrompt: "text_prompts",
  steps: { parameter: "steps", min: 10, max: 50 },
  guidanceScale: { parameter: "cfg_scale", min: 0, max: 35 },
  outputs: "samples",
});

export const CORE: Model = modelSchema.parse({
  ...shared,
  name: "stable-image-core",
  model: "core",
  price: { per: "credit", usd: 0.01, credits: 3 },
  sizes,
  steps: null,
  guidanceScale: null,
  extras: { output_format: "png" },
});

export const SD35_MEDIUM: Model = modelSchema.parse({
  ...CORE,
  name: "sd3.5-medium",
  model: "sd3.5-medium",
  price: { per: "credit", usd: 0.01, credits: 3.5 },
  guidanceScale: { parameter: "cfg_scale", min: 1, max: 10 },
  extras: { output_format: "png", mode: "text-to-image" },
});

/** Takes no negative prompt. */
export const SD35_TURBO: Model = modelSchema.parse({
  ...SD35_MEDIUM,
  name: "sd3.5-large-turbo",
  model: "sd3.5-large-turbo",
  price: { per: "credit", usd: 0.01, credits: 4 },
  negativePrompt: null,
  guidanceScale: null,
});
