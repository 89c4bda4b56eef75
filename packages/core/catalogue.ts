/** @module The catalogue: what `templates/` says, as schemas. Objects come in parsed already; core reads no file. */
import * as z from "zod";
import type { GraphWorkflow } from "./graph-workflow.ts";

/** Ordered from harmless to the ceiling. `explicit` is a verdict, never something one can ask for. */
export const RATINGS = ["general", "suggestive", "nudity"] as const;
export const ratingSchema = z
  .enum(RATINGS)
  .describe("How much a picture may show, from harmless to the ceiling.");
export type Rating = z.infer<typeof ratingSchema>;

export function ratingRank(rating: Rating): number {
  return RATINGS.indexOf(rating);
}

export function higherRating(one: Rating, other: Rating): Rating {
  return ratingRank(one) >= ratingRank(other) ? one : other;
}

/** The adult age that every rated prompt must state; anything lower is refused at load. */
export const ADULT_AGE = 18;

export const CATEGORY_NAMES = ["lingerie", "feet", "artistic_nude", "weekend_special", "custom"] as const;
export const categoryNameSchema = z
  .enum(CATEGORY_NAMES)
  .describe("What kind of picture; `custom` has no templates and takes prompts of one's own.");
export type CategoryName = z.infer<typeof categoryNameSchema>;

const nameSchema = z.string().regex(/^[a-z][a-z0-9_]{1,63}$/, "a name of lower-case letters, digits and _");
const dateSchema = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, "a date such as 2026-11-22");

export const PROMPT_CHARACTERS_MAX = 2_000;
export const SIZE_PIXELS_MIN = 64;
export const SIZE_PIXELS_MAX = 2_048;

const GUIDANCE_SCALE_MIN = 0.01;

/** What every picture is asked with, in our words; each model's own parameter names are in `models.yaml`. */
const edge = z.int().min(SIZE_PIXELS_MIN).max(SIZE_PIXELS_MAX).multipleOf(8);
export const parametersSchema = z.strictObject({
  width: edge.meta({ description: "Width in pixels.", multipleOf: 8 }),
  height: edge.meta({ description: "Height in pixels.", multipleOf: 8 }),
  steps: z.int().min(1).max(150).describe("How many steps the model takes towards the picture."),
  /** Smaller ones mean nothing to a model, and the smallest no table can hold. */
  guidanceScale: z
    .number()
    .min(0)
    .max(50)
    .refine((scale) => scale === 0 || scale >= GUIDANCE_SCALE_MIN, {
      error: `must be 0, or from ${GUIDANCE_SCALE_MIN} to 50`,
    })
    .describe(`How closely the model follows the prompt: 0, or from ${GUIDANCE_SCALE_MIN} on.`),
});
export type Parameters = z.infer<typeof parametersSchema>;

export const DEFAULT_PARAMETERS: Parameters = { width: 1024, height: 1024, steps: 50, guidanceScale: 7.5 };

/** One choice for a slot: the words that go into the prompt and the tags that they bring. */
export const slotValueSchema = z.strictObject({
  text: z.string().min(1).max(200),
  tags: z.array(nameSchema).default([]),
});
export type SlotValue = z.infer<typeof slotValueSchema>;

export const templateSchema = z.strictObject({
  name: nameSchema,
  description: z.string().min(1).max(200),
  /** Text with `{slot}` places; every slot is used and every place has a slot. */
  prompt: z.string().min(1).max(PROMPT_CHARACTERS_MAX),
  negativePrompt: z.string().max(PROMPT_CHARACTERS_MAX).default(""),
  slots: z.record(nameSchema, z.array(slotValueSchema).min(1).max(64)),
  tags: z.array(nameSchema).min(1),
  parameters: parametersSchema,
  /** Catalogue names, the best first; models that are not named follow by price. */
  models: z.array(z.string()).default([]),
});
export type Template = z.infer<typeof templateSchema>;

export const categorySchema = z.strictObject({
  name: categoryNameSchema,
  rating: ratingSchema,
  description: z.string().min(1).max(200),
  templates: z.array(templateSchema),
});
export type Category = z.infer<typeof categorySchema>;

/** `unclear` is treated as `denied`: absence of a prohibition is never permission. */
const termsEntrySchema = z.strictObject({
  allows: z.enum(["allowed", "denied", "unclear"]),
  reviewed: dateSchema,
  source: z.string().min(1),
});
export type TermsEntry = z.infer<typeof termsEntrySchema>;

/**
 * Open on purpose: a new provider is a folder, a line in the registry and its entries in the catalogue. Which names there are,
 * the catalogue and the registry say.
 */
export const providerNameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9]{1,31}$/, "a provider's name of lower-case letters and digits")
  .describe("Who sells pictures, by the catalogue's name.");
export type ProviderName = z.infer<typeof providerNameSchema>;

/** The provider that draws placeholders on this machine; it imitates the models of Replicate. */
export const SANDBOX = "sandbox" satisfies ProviderName;

/** What an account may do at a provider. Null: no such limit. */
const providerLimitsSchema = z.strictObject({
  /** Creates that the provider takes a minute; pacing stays below it. */
  createsPerMinute: z.number().positive().nullable().default(null),
  /** Over how many seconds the provider counts them; absent: 60. */
  windowSeconds: z.number().min(1).max(60).optional(),
  /** Jobs at once; 1 for one's own graphics card. */
  concurrent: z.int().positive().max(100).nullable().default(null),
  /** Quota of creates in a local day and month. */
  createsPerDay: z.int().positive().nullable().default(null),
  createsPerMonth: z.int().positive().nullable().default(null),
});
export type ProviderLimits = z.infer<typeof providerLimitsSchema>;

export const providerSchema = z.strictObject({
  name: providerNameSchema,
  /** False: listed only. */
  buyable: z.boolean(),
  limits: providerLimitsSchema.default({
    createsPerMinute: null,
    concurrent: null,
    createsPerDay: null,
    createsPerMonth: null,
  }),
  terms: z.record(ratingSchema, termsEntrySchema),
});
export type ProviderEntry = z.infer<typeof providerSchema>;

/** How a model takes a size. Ranges are inclusive pixels. */
const sizeSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("range"),
    width: z.string(),
    height: z.string(),
    min: z.int(),
    max: z.int(),
    multipleOf: z.int().default(8),
  }),
  /** One parameter holding "512x512". */
  z.strictObject({
    kind: z.literal("dimensions"),
    parameter: z.string(),
    values: z.array(z.string().regex(/^\d+x\d+$/)).min(1),
  }),
  /** An aspect ratio by name; `values` maps "1:1" to the size that comes out. */
  z.strictObject({
    kind: z.literal("aspect"),
    parameter: z.string(),
    values: z.record(z.string(), z.string().regex(/^\d+x\d+$/)),
  }),
]);
export type ModelSizes = z.infer<typeof sizeSchema>;

/** How a provider bills one picture; all amounts in USD. */
export const priceSchema = z.discriminatedUnion("per", [
  z.strictObject({
    per: z.literal("image"),
    usd: z.number().positive(),
    /** Dearer above some size, in ascending order: the first whose `megapixelsMax` is not exceeded counts, else `usd`. */
    sizes: z
      .array(z.strictObject({ megapixelsMax: z.number().positive(), usd: z.number().positive() }))
      .default([]),
  }),
  z.strictObject({
    per: z.literal("second"),
    /** Of the hardware. */
    usd: z.number().positive(),
    /** What a picture of one megapixel takes with `steps` steps; `steps` null: they do not matter. */
    seconds: z.number().positive(),
    steps: z.int().positive().nullable(),
    /** What a list says instead of the product of the others. */
    list: z.number().positive().nullable().default(null),
  }),
  z.strictObject({
    per: z.literal("credit"),
    usd: z.number().positive(),
    credits: z.number().positive(),
    /** Cheaper up to some number of steps, in ascending order: the first whose `stepsMax` is not exceeded, else `credits`. */
    steps: z
      .array(z.strictObject({ stepsMax: z.int().positive(), credits: z.number().positive() }))
      .default([]),
  }),
  /** One's own machine. */
  z.strictObject({ per: z.literal("nothing") }),
]);
export type ModelPrice = z.infer<typeof priceSchema>;

const numericParameterSchema = z.strictObject({ parameter: z.string(), min: z.number(), max: z.number() });

export const modelSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9.-]{1,63}$/),
  provider: providerNameSchema,
  /** The provider's own name of the model, `owner/name` at Replicate. */
  model: z.string().min(1),
  /** The pinned version; null for models that have none. */
  version: z.string().nullable(),
  /** False: listed only, with the reason in `note`. */
  buyable: z.boolean(),
  /** Whether the version was seen among published models. An unverified one names a fallback. */
  verified: z.boolean(),
  fallback: z.string().nullable().default(null),
  /** Null: not known, so nothing can be held and nothing is bought. */
  price: priceSchema.nullable(),
  sizes: sizeSchema,
  prompt: z.strictObject({ parameter: z.string(), charactersMax: z.int().positive() }),
  /** Null: the model takes no negative prompt; what was asked is kept as a warning. */
  negativePrompt: z.string().nullable(),
  /** Null: the model has no such parameter. Values outside are brought to the nearest end, with a warning. */
  steps: numericParameterSchema.nullable(),
  guidanceScale: numericParameterSchema.nullable(),
  seed: z.string(),
  /** Null: one picture a call. */
  outputs: z.string().nullable(),
  /** Sent as they are. */
  extras: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  /** True: its service looks at what it makes and holds back what it finds explicit. Left out: nobody knows of one. */
  filtered: z.boolean().optional(),
  /** The highest rating that the model's licence allows, with date and source. */
  licence: z.strictObject({ rating: ratingSchema, reviewed: dateSchema, source: z.string().min(1) }),
  /** Typical seconds a picture, for display and for the sandbox's pace. */
  typicalSeconds: z.number().positive(),
  note: z.string().default(""),
});
export type Model = z.infer<typeof modelSchema>;

export const modelsFileSchema = z.strictObject({
  providers: z.array(providerSchema),
  models: z.array(modelSchema),
  /** Terms and licences older than this many days are expired: denied. */
  termsExpireAfterDays: z.int().positive(),
});

export const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

const countSchema = z.union([
  z.int().min(1).max(50),
  z.strictObject({ from: z.int().min(1), to: z.int().max(50) }),
]);
export const scheduleEntrySchema = z.strictObject({
  name: nameSchema,
  days: z.array(z.enum(WEEKDAYS)).min(1),
  at: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, "a local time such as 06:00"),
  action: z.discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("generate"),
      /** `least-stock`: the category with the fewest released pictures, among those that `among` lists. */
      category: z.union([categoryNameSchema, z.literal("least-stock")]),
      among: z.array(categoryNameSchema).default([]),
      count: countSchema,
    }),
    z.strictObject({ kind: z.literal("reconcile-and-report") }),
  ]),
});
export type ScheduleEntry = z.infer<typeof scheduleEntrySchema>;

export const scheduleSchema = z.strictObject({
  timezone: z.string().min(1),
  /** The plan in force. */
  active: nameSchema,
  plans: z.record(nameSchema, z.array(scheduleEntrySchema).min(1)),
});
export type Schedule = z.infer<typeof scheduleSchema>;

/**
 * Refuses when its concept is met and the effective rating is among `ratings`. Pairs (youth with rated content) come about
 * by `raises`: the rated word raises the rating, and then the rule applies. Other pairs are written with `with`.
 */
export const policyRuleSchema = z.strictObject({
  id: z.string().regex(/^[a-z][a-z0-9-]{2,63}$/),
  concept: nameSchema,
  /** Where given, one of these concepts has to be met as well. */
  with: z.array(nameSchema).default([]),
  ratings: z.array(ratingSchema).min(1),
  /** What to write instead; never repeats what was met. */
  advice: z.string().min(1),
});
export const policySchema = z.strictObject({
  /** Concept name to what is looked for in the normalised text; `policy-terms.ts` says how words are written. */
  concepts: z.record(
    nameSchema,
    z.strictObject({
      words: z.array(z.string().min(2)).default([]),
      /** Regular expressions. */
      patterns: z.array(z.string()).default([]),
      /** Innocent phrases: what is met inside one of them does not count. */
      except: z.array(z.string().min(2)).default([]),
    }),
  ),
  rules: z.array(policyRuleSchema).min(1),
  /** Concepts that raise the effective rating. */
  raises: z.record(nameSchema, ratingSchema),
  /** What tells names of people from other names, for rated prompts. */
  persons: z
    .strictObject({
      /** Given names that are hardly anything else: with a word after them they are a name in any case. */
      given: z.array(z.string().min(2)).default([]),
      /** Words of names that are no person's: places, styles, makers of cameras, months. */
      other: z.array(z.string().min(2)).default([]),
      /** The operator's own list: refused at every rating. */
      refused: z.array(z.string().min(2)).default([]),
    })
    .prefault({}),
});
export type Policy = z.infer<typeof policySchema>;

/** Everything under `templates/`, parsed and checked against itself. */
export interface Catalogue {
  readonly categories: readonly Category[];
  readonly providers: readonly ProviderEntry[];
  readonly models: readonly Model[];
  readonly termsExpireAfterDays: number;
  readonly schedule: Schedule;
  readonly policy: Policy;
  /** Graphs by name: what a model of a provider that runs graphs names as its `model`. */
  readonly workflows: Readonly<Record<string, GraphWorkflow>>;
}
