/** @module A small catalogue: one general template, two models that can make it, a policy with one rule. */
import {
  type Catalogue,
  categorySchema,
  modelSchema,
  policySchema,
  providerSchema,
  scheduleSchema,
} from "@atelier/core/catalogue";
import { REALISTIC, SDXL } from "../simulators/models.ts";

const read = { reviewed: "2026-11-01", source: "test" };
const allowed = { allows: "allowed", ...read };

/** Holds 0.02 USD, lists 0.01. */
export const FIRST_MODEL = modelSchema.parse({ ...SDXL, filtered: true });
/** Holds 0.05 USD, lists 0.03. */
export const SECOND_MODEL = modelSchema.parse({
  ...REALISTIC,
  filtered: true,
  price: { per: "second", usd: 0.05 / 300, seconds: 5, steps: null, list: 0.03 },
});

export const CATALOGUE: Catalogue = {
  categories: [
    categorySchema.parse({
      name: "weekend_special",
      rating: "general",
      description: "Still lifes.",
      templates: [
        {
          name: "still_life",
          description: "Fruit on a table.",
          prompt: "A bowl of {fruit} on a table",
          negativePrompt: "blurred",
          slots: { fruit: [{ text: "apples", tags: ["apple"] }, { text: "pears" }, { text: "plums" }] },
          tags: ["still_life"],
          parameters: { width: 256, height: 256, steps: 20, guidanceScale: 7 },
          models: [FIRST_MODEL.name, SECOND_MODEL.name],
        },
      ],
    }),
    categorySchema.parse({ name: "custom", rating: "general", description: "Free prompts.", templates: [] }),
  ],
  providers: [
    providerSchema.parse({
      name: "replicate",
      buyable: true,
      terms: { general: allowed, suggestive: allowed, nudity: { allows: "denied", ...read } },
    }),
  ],
  models: [FIRST_MODEL, SECOND_MODEL],
  workflows: {},
  termsExpireAfterDays: 365,
  schedule: scheduleSchema.parse({
    timezone: "Europe/Paris",
    active: "weekly",
    plans: {
      weekly: [
        {
          name: "sunday",
          days: ["sun"],
          at: "06:00",
          action: { kind: "generate", category: "weekend_special", count: 2 },
        },
      ],
    },
  }),
  policy: policySchema.parse({
    concepts: { forbidden: { words: ["forbiddenword"] } },
    rules: [{ id: "no-forbidden", concept: "forbidden", ratings: ["general"], advice: "Leave it out." }],
    raises: {},
  }),
};
