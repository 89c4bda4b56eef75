/** @module Catalogue models for tests: one of each way to take a size, on published versions. */
import { type Model, modelSchema } from "@atelier/core/catalogue";

const licence = { rating: "nudity", reviewed: "2026-11-01", source: "test" };

/** Width and height as numbers, a list as output. */
export const SDXL: Model = modelSchema.parse({
  name: "sdxl",
  provider: "replicate",
  model: "stability-ai/sdxl",
  version: "7762fd07cf82c948538e41f63f77d685e02b063e37e496e96eefd46c929f9bdc",
  buyable: true,
  verified: true,
  price: { per: "second", usd: 0.02 / 300, seconds: 5, steps: null, list: 0.01 },
  sizes: { kind: "range", width: "width", height: "height", min: 64, max: 1536 },
  prompt: { parameter: "prompt", charactersMax: 2000 },
  negativePrompt: "negative_prompt",
  steps: { parameter: "num_inference_steps", min: 1, max: 500 },
  guidanceScale: { parameter: "guidance_scale", min: 1, max: 50 },
  seed: "seed",
  outputs: "num_outputs",
  extras: { apply_watermark: false },
  licence,
  typicalSeconds: 4,
});

/** One parameter that names the size. */
export const STABLE_DIFFUSION: Model = modelSchema.parse({
  ...SDXL,
  name: "stable-diffusion-v2",
  model: "stability-ai/stable-diffusion",
  version: "db21e45d3f7023abc2a46ee38a23973f6dce16bb082a930b0c49861f96d1e5bf",
  sizes: { kind: "dimensions", parameter: "image_dimensions", values: ["512x512", "768x768"] },
  guidanceScale: { parameter: "guidance_scale", min: 1, max: 20 },
  extras: {},
});

/** Called by name, an aspect ratio, no negative prompt, no guidance. */
export const FLUX: Model = modelSchema.parse({
  ...SDXL,
  name: "flux-schnell",
  model: "black-forest-labs/flux-schnell",
  version: null,
  sizes: {
    kind: "aspect",
    parameter: "aspect_ratio",
    values: { "1:1": "1024x1024", "3:2": "1216x832", "2:3": "832x1216" },
  },
  negativePrompt: null,
  steps: { parameter: "num_inference_steps", min: 1, max: 4 },
  guidanceScale: null,
  extras: { output_format: "png" },
});

/** Its own names for everything, one picture a call, the bare address as output. */
export const REALISTIC: Model = modelSchema.parse({
  ...SDXL,
  name: "realistic-vision-v5.1",
  model: "lucataco/realistic-vision-v5.1",
  version: "2c8e954decbf70b7607a4414e5785ef9e4de4b8c51d50fb8b8b349160e0ef6bb",
  sizes: { kind: "range", width: "width", height: "height", min: 256, max: 1920 },
  steps: { parameter: "steps", min: 1, max: 100 },
  guidanceScale: { parameter: "guidance", min: 1, max: 10 },
  outputs: null,
  extras: {},
});

export const TEST_MODELS: readonly Model[] = [SDXL, STABLE_DIFFUSION, FLUX, REALISTIC];
