/** @module The simulation's catalogue: models of every provider for small pictures, one template that all of them can make. */
import {
  type Catalogue,
  categorySchema,
  type Model,
  modelSchema,
  type ProviderLimits,
  providerSchema,
} from "@atelier/core/catalogue";
import { graphWorkflowSchema } from "@atelier/core/graph-workflow";
import { CATALOGUE as TEST_CATALOGUE } from "../builders/catalogue.ts";
import { MIDJOURNEY } from "../simulators/midjourney-models.ts";
import { REALISTIC, SDXL } from "../simulators/models.ts";
import { A1111_SDXL, COMFYUI_SDXL, WORKFLOWS } from "../simulators/own-models.ts";
import { CORE, ENGINE, SD35_MEDIUM } from "../simulators/stability-models.ts";

/** Every model but one makes pictures of this size. */
export const EDGE_PIXELS = 256;

const square = { kind: "aspect", values: { "1:1": `${EDGE_PIXELS}x${EDGE_PIXELS}` } };
const small = (model: Model, parameter: string): Model =>
  modelSchema.parse({ ...model, filtered: true, sizes: { ...square, parameter } });

const [sdxl, realistic] = [SDXL, REALISTIC].map((model) => modelSchema.parse({ ...model, filtered: true }));
/** Takes nothing smaller than a megapixel: the other template's. */
const engine = modelSchema.parse({ ...ENGINE, filtered: true });

export const MODELS: readonly Model[] = [
  ...(sdxl && realistic ? [sdxl, realistic] : []),
  engine,
  small(CORE, "aspect_ratio"),
  small(SD35_MEDIUM, "aspect_ratio"),
  small(MIDJOURNEY, "--ar"),
  modelSchema.parse({ ...A1111_SDXL, filtered: true }),
  modelSchema.parse({ ...COMFYUI_SDXL, filtered: true }),
];

const read = { reviewed: "2026-11-01", source: "test" };
const allowed = { allows: "allowed", ...read };
const terms = { general: allowed, suggestive: allowed, nudity: { allows: "denied", ...read } };
const limits = (change: Partial<ProviderLimits>): ProviderLimits => ({
  createsPerMinute: null,
  concurrent: null,
  createsPerDay: null,
  createsPerMonth: null,
  ...change,
});

/** As in `templates/models.yaml`, but for jobs at once at the two that are quick here. */
const LIMITS: Readonly<Record<string, ProviderLimits>> = {
  replicate: limits({ createsPerMinute: 600 }),
  sandbox: limits({}),
  stability: limits({ createsPerMinute: 900, windowSeconds: 10 }),
  midjourney: limits({ concurrent: 12 }),
  a1111: limits({ concurrent: 4 }),
  comfyui: limits({ concurrent: 4 }),
};
export const PROVIDERS = Object.keys(LIMITS);

const template = (name: string, edgePixels: number, models: readonly string[]) => ({
  name,
  description: "Fruit on a table.",
  prompt: "A bowl of {fruit} on a {colour} table",
  negativePrompt: "blurred",
  slots: {
    fruit: ["apples", "pears", "plums", "cherries", "lemons"].map((text) => ({ text, tags: [text] })),
    colour: ["white", "grey", "oak", "blue"].map((text) => ({ text, tags: [text] })),
  },
  tags: ["still_life"],
  parameters: { width: edgePixels, height: edgePixels, steps: 20, guidanceScale: 7 },
  models: [...models],
});

export const CATALOGUE: Catalogue = {
  ...TEST_CATALOGUE,
  categories: [
    categorySchema.parse({
      name: "weekend_special",
      rating: "general",
      description: "Still lifes.",
      templates: [
        template("bowl", EDGE_PIXELS, ["stable-image-core", "sdxl", "sdxl-comfyui"]),
        template("large_bowl", 1_024, ["stable-diffusion-xl", "sdxl"]),
      ],
    }),
    categorySchema.parse({ name: "custom", rating: "general", description: "Free prompts.", templates: [] }),
  ],
  providers: PROVIDERS.map((name) =>
    providerSchema.parse({ name, buyable: true, limits: LIMITS[name], terms }),
  ),
  models: [...MODELS],
  workflows: Object.fromEntries(
    Object.entries(WORKFLOWS).map(([name, workflow]) => [name, graphWorkflowSchema.parse(workflow)]),
  ),
};
