/**
 * @module What callers ask for, as the API's body and the start function's event say it: snake_case, either a template's pictures or
 * one of a prompt of the caller's own.
 */
import * as z from "zod";
import {
  type CategoryName,
  categoryNameSchema,
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

const shared = {
  /** Left out: derived from the request's id. */
  seed: z.int().min(1).max(0x7ffffffe).optional(),
  /** A catalogue name that nothing takes the place of. */
  model: z.string().min(1).max(64).optional(),
  provider: providerNameSchema.optional(),
  /** US dollars, for the whole request. */
  max_cost: z.number().nonnegative().max(1_000_000).optional(),
  parameters: z
    .strictObject({
      width: parametersSchema.shape.width,
      height: parametersSchema.shape.height,
      steps: parametersSchema.shape.steps,
      guidance_scale: parametersSchema.shape.guidanceScale,
    })
    .partial()
    .default({}),
};

/** One picture of a prompt of one's own. */
export const promptAskingSchema = z.strictObject({
  ...shared,
  prompt: z.string().min(1).max(PROMPT_CHARACTERS_MAX),
  negative_prompt: z.string().max(PROMPT_CHARACTERS_MAX).default(""),
  category: categoryNameSchema.default("custom"),
});

const countSchema = z.int().min(1).max(REQUEST_IMAGES_MAX);

/** Pictures of a template, or of a category's templates in turn. */
export const templateAskingSchema = z.strictObject({
  ...shared,
  category: categoryNameSchema,
  template: z.string().min(1).max(64).optional(),
  /** Default 1. */
  count: countSchema.optional(),
  /** The same as `count`, as SDK and command line call it. */
  variations: countSchema.optional(),
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
