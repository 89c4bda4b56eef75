/** @module Documents and a catalogue for tests; each test states only what it is about. */
import {
  type Catalogue,
  type Category,
  categorySchema,
  DEFAULT_PARAMETERS,
  modelSchema,
  policySchema,
  scheduleSchema,
} from "@atelier/core/catalogue";
import type { ImageDocument, PurchaseDocument, VariationDocument } from "@atelier/core/document";

export const IMAGE_ID = "img_01jd8v3m6w9qk2x7r5t0ybhc4f_00000";

export function imageNumbered(index: number, change: Partial<ImageDocument> = {}): ImageDocument {
  const imageId = `${IMAGE_ID.slice(0, -1)}${index}`;
  const path = `content/feet/2026/11/${imageId}/v1/full-0a1b2c3d.jpg`;
  return {
    image_id: imageId,
    request_id: "req_01jd8v3m6w9qk2x7r5t0ybhc4f",
    prompt: "a pebble beach at noon",
    negative_prompt: "text",
    model: "sdxl",
    parameters: { width: 1024, height: 1024, steps: 50, guidance_scale: 7.5, seed: 42 + index },
    category: "feet",
    rating: "suggestive",
    tags: ["beach"],
    template: "feet_closeup",
    file_path: path,
    version: 1,
    renditions: [
      {
        name: "full",
        path,
        width: 1024,
        height: 1024,
        bytes: 2048,
        sha256: "00",
        content_type: "image/jpeg",
      },
    ],
    metadata: {
      generated_at: "2026-11-22T06:00:04.000Z",
      api_used: "sandbox",
      cost: 0.05,
      processing_time: 1.25,
      quality: 71.4,
      quality_parts: { sharpness: 80, noise: 71.4 },
      attempts: 1,
      duplicate_of: null,
      warnings: [],
    },
    verdict: {
      decision: "released",
      basis: "sandbox-mark",
      rating: "suggestive",
      reason: "drawn by the sandbox",
    },
    status: "completed",
    failure: null,
    excluded: [],
    created_at: "2026-11-22T06:00:00.000Z",
    ...change,
  };
}

/** An image that ended with an error of the table. */
export function failedImage(index: number, name: string, message = "it did not work"): ImageDocument {
  const image = imageNumbered(index, { status: "failed", verdict: null, file_path: null, renditions: [] });
  return { ...image, failure: { name, message, rule: null }, model: null };
}

export function quarantinedImage(index: number): ImageDocument {
  return imageNumbered(index, {
    status: "quarantined",
    verdict: {
      decision: "quarantined",
      basis: "no-classifier",
      rating: null,
      reason: "no classifier exists",
    },
  });
}

export function variation(change: Partial<VariationDocument> = {}): VariationDocument {
  return {
    category: "feet",
    template: "feet_closeup",
    prompt: "a pebble beach at noon",
    negative_prompt: "text",
    seed: 42,
    rating: "suggestive",
    tags: ["beach"],
    parameters: { width: 1024, height: 1024, steps: 50, guidance_scale: 7.5, seed: 42 },
    candidates: [
      {
        model: "sdxl",
        provider: "sandbox",
        price: { list: 0.05, most: 0.08 },
        terms: { date: "2026-11-20", source: "the sandbox's own" },
        warnings: [],
      },
    ],
    excluded: [],
    price: { list: 0.05, most: 0.08 },
    policy: { decision: "allowed", rule: null, message: null },
    occurrence: null,
    ...change,
  };
}

const MODELS = (["sdxl", "stable-diffusion-v2"] as const).map((name, index) =>
  modelSchema.parse({
    name,
    provider: "replicate",
    model: `owner/${name}`,
    version: "0".repeat(64),
    buyable: true,
    verified: true,
    price: { per: "second", usd: 0.08 / 300, seconds: 5, steps: null, list: 0.05 + index / 100 },
    sizes: { kind: "range", width: "width", height: "height", min: 512, max: 1024 },
    prompt: { parameter: "prompt", charactersMax: 2000 },
    negativePrompt: null,
    steps: null,
    guidanceScale: null,
    seed: "seed",
    outputs: null,
    licence: { rating: "nudity", reviewed: "2026-11-20", source: "the licence" },
    typicalSeconds: 6,
  }),
);

function category(name: string, rating: string, templates: readonly string[]): Category {
  return categorySchema.parse({
    name,
    rating,
    description: `pictures of the category ${name}`,
    templates: templates.map((template) => ({
      name: template,
      description: `what ${template} shows`,
      prompt: "a pebble beach at {light}",
      slots: { light: [{ text: "noon", tags: ["bright"] }, { text: "dusk" }] },
      tags: ["beach"],
      parameters: DEFAULT_PARAMETERS,
      models: ["sdxl"],
    })),
  });
}

export const CATALOGUE: Catalogue = {
  categories: [
    category("lingerie", "suggestive", ["lingerie_black_lace", "lingerie_red_satin"]),
    category("feet", "suggestive", ["feet_closeup"]),
    category("artistic_nude", "nudity", ["artistic_nude"]),
    category("weekend_special", "general", ["weekend_breakfast"]),
    category("custom", "general", []),
  ],
  providers: [],
  models: MODELS,
  workflows: {},
  termsExpireAfterDays: 365,
  schedule: scheduleSchema.parse({
    timezone: "Europe/Paris",
    active: "weekly",
    plans: {
      weekly: [
        {
          name: "sunday_feet",
          days: ["sun"],
          at: "06:00",
          action: { kind: "generate", category: "feet", count: 1 },
        },
      ],
    },
  }),
  policy: policySchema.parse({
    concepts: {},
    rules: [{ id: "none", concept: "none", ratings: ["general"], advice: "None." }],
    raises: {},
  }),
};

/** The one attempt that bought an image, at the list price. */
export function purchaseOf(image: ImageDocument): PurchaseDocument {
  return {
    attempt_id: `${image.image_id}-1`,
    provider: "sandbox",
    model: image.model ?? "sdxl",
    state: "succeeded",
    held: 0.05,
    list: 0.05,
    charged: image.metadata.cost,
    difference: image.metadata.cost - 0.05,
    seconds: 2,
    failure: null,
    created_at: image.created_at,
  };
}
