/**
 * @module What callers ask for, as the API's body and the start function's event say it: snake_case, either a template's pictures or
 * one of a prompt of the caller's own.
 */
import * as z from "zod";
import {
  type CategoryName,
  categoryNameSchema,
  DEFAULT_PARAMETERS,
  type Parameters,
  PROMPT_CHARACTERS_MAX,
  type ProviderName,
  parametersSchema,
  providerNameSchema,
} from "./catalogue.ts";
import { keyedHash } from "./ids.ts";
import { MICROS_PER_USD, type Micros, microsFromUsd } from "./money.ts";
import type { PromptText } from "./ports.ts";
import { REQUEST_IMAGES_MAX } from "./request.ts";

const { width, height, steps, guidanceScale } = DEFAULT_PARAMETERS;

const shared = {
  seed: z
    .int()
    .min(1)
    .max(0x7ffffffe)
    .optional()
    .describe(
      "The same one gives the same prompts and the same seeds of images; left out: derived from the request's id, so another one each time.",
    ),
  model: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe(
      "Catalogue name of the only model that may make the pictures; left out: the best that the terms allow, and another one when it fails.",
    ),
  provider: providerNameSchema
    .optional()
    .describe(
      "Whom alone to buy from; where the installation buys from one provider only, no other may be named. Left out: whoever is best.",
    ),
  max_cost: z
    .number()
    .nonnegative()
    .max(1_000_000)
    .optional()
    .describe(
      "The most that the whole request may cost, in US dollars with at most six decimals: refused as a whole when its pictures can cost more; each image has an even share for all of its attempts. Left out: budgets alone limit it.",
    ),
  parameters: z
    .strictObject({
      width: parametersSchema.shape.width,
      height: parametersSchema.shape.height,
      steps: parametersSchema.shape.steps,
      guidance_scale: parametersSchema.shape.guidanceScale,
    })
    .partial()
    .default({})
    .describe(
      `What the pictures are asked with; what is left out comes from the template. For a prompt it is ${width} x ${height}, ${steps} steps and a guidance scale of ${guidanceScale}.`,
    ),
};

/** One picture of a prompt of one's own. */
export const promptAskingSchema = z.strictObject({
  prompt: z
    .string()
    .min(1)
    .max(PROMPT_CHARACTERS_MAX)
    .describe("What the picture is to show; the content policy judges it before anything is bought."),
  negative_prompt: z
    .string()
    .max(PROMPT_CHARACTERS_MAX)
    .default("")
    .describe("What the picture is not to show; left out with a warning for a model that takes none."),
  category: categoryNameSchema
    .default("custom")
    .describe("Under which category the picture is filed, whose rating and budget count."),
  ...shared,
});

const countSchema = z.int().min(1).max(REQUEST_IMAGES_MAX).optional();

/** Pictures of a template, or of a category's templates in turn. */
export const templateAskingSchema = z.strictObject({
  category: categoryNameSchema.describe("What kind of picture; a category with templates."),
  template: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe("Name of a template of the category; left out: its templates in turn."),
  count: countSchema.describe("How many images to make, each of another variation; left out: 1."),
  variations: countSchema.describe(
    "Another name of `count`, as SDK and command line call it; give one of them, or both with the same number.",
  ),
  ...shared,
});

/** What was asked for, in our words; whatever way it was written, the same wish is the same value. */
export interface AskedFor {
  readonly category: CategoryName;
  readonly template: string | null;
  /** Null: of a template. */
  readonly prompt: PromptText | null;
  readonly count: number;
  readonly seed: number | null;
  readonly model: string | null;
  readonly provider: ProviderName | null;
  readonly maxCostMicros: Micros | null;
  /** Only what was given: what was not comes from the template. */
  readonly parameters: Partial<Parameters>;
}

/** Decides by `prompt` which of the two is meant, so that what is wrong with it can be named. */
export const askingSchema = z.looseObject({}).transform((body, context): AskedFor => {
  const parsed = ("prompt" in body ? promptAskingSchema : templateAskingSchema).safeParse(body);
  if (!parsed.success) {
    for (const { message, path } of parsed.error.issues) context.addIssue({ code: "custom", message, path });
    return z.NEVER;
  }
  const asked = parsed.data;
  if (asked.max_cost !== undefined && !isWholeMicros(asked.max_cost)) {
    const message = "must be an amount in US dollars with at most six decimals, such as 2.50";
    context.addIssue({ code: "custom", message, path: ["max_cost"] });
    return z.NEVER;
  }
  if ("count" in asked && "variations" in asked && asked.count !== asked.variations) {
    const message = "says another number than count, of which it is another name; give one of them";
    context.addIssue({ code: "custom", message, path: ["variations"] });
    return z.NEVER;
  }
  return askedFor(asked);
});

function askedFor(
  asked: z.output<typeof promptAskingSchema> | z.output<typeof templateAskingSchema>,
): AskedFor {
  const { guidance_scale: guidanceScale, ...rest } = asked.parameters;
  const isOwn = "prompt" in asked;
  return {
    category: asked.category,
    template: isOwn ? null : (asked.template ?? null),
    prompt: isOwn ? { prompt: asked.prompt, negativePrompt: asked.negative_prompt } : null,
    count: isOwn ? 1 : (asked.count ?? asked.variations ?? 1),
    seed: asked.seed ?? null,
    model: asked.model ?? null,
    provider: asked.provider ?? null,
    maxCostMicros: asked.max_cost === undefined ? null : microsFromUsd(asked.max_cost, "max_cost"),
    parameters: { ...rest, ...(guidanceScale === undefined ? {} : { guidanceScale }) },
  };
}

function isWholeMicros(usd: number): boolean {
  const micros = usd * MICROS_PER_USD;
  return Math.abs(micros - Math.round(micros)) < 1e-3;
}

/** Tells one wish from another without saying what it was. */
export function wishHash(asked: AskedFor, key: Uint8Array): string {
  const { width, height, steps, guidanceScale } = asked.parameters;
  const wish = [
    asked.category,
    asked.template,
    asked.prompt?.prompt,
    asked.prompt?.negativePrompt,
    asked.count,
    asked.seed,
    asked.model,
    asked.provider,
    asked.maxCostMicros,
    [width, height, steps, guidanceScale],
  ];
  return keyedHash(JSON.stringify(wish), key);
}
