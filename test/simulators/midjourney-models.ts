/** @module Models of Midjourney for tests, as the catalogue has them. */
import { type Model, modelSchema } from "@atelier/core/catalogue";

export const MIDJOURNEY: Model = modelSchema.parse({
  name: "midjourney-v6.1",
  provider: "midjourney",
  model: "midjourney",
  version: "6.1",
  buyable: true,
  verified: true,
  price: { per: "image", usd: 0.12 },
  sizes: {
    kind: "aspect",
    parameter: "--ar",
    values: { "1:1": "1024x1024", "3:2": "1344x896", "16:9": "1456x816", "9:16": "816x1456" },
  },
  prompt: { parameter: "prompt", charactersMax: 2000 },
  negativePrompt: "--no",
  steps: null,
  guidanceScale: null,
  seed: "--seed",
  outputs: null,
  extras: { "--stylize": 100 },
  licence: { rating: "general", reviewed: "2026-11-22", source: "test" },
  typicalSeconds: 60,
});

export const NIJI: Model = modelSchema.parse({
  ...MIDJOURNEY,
  name: "niji-6",
  model: "niji",
  version: "6",
  extras: { "--raw": true, "--tile": false, "--chaos": 5 },
});
