/**
 * @module The public documents, in snake_case as the users' other modules expect them. This file is the one place where
 * the code's camelCase becomes the contract of the command line and the API.
 */
import * as z from "zod";
import { ATTEMPT_STATES, type Attempt } from "./attempt.ts";
import { categoryNameSchema, parametersSchema, providerNameSchema, ratingSchema } from "./catalogue.ts";
import { failureSchema, instant, pricedSchema } from "./document-fields.ts";
import {
  exclusionSchema,
  type Image,
  imageStatusSchema,
  renditionSchema,
  type Verdict,
  verdictSchema,
} from "./image.ts";
import { usdFromMicros } from "./money.ts";
import type { PromptText } from "./ports.ts";

const { guidanceScale, ...otherParameters } = parametersSchema.shape;
export const parametersDocumentSchema = z
  .object({
    ...otherParameters,
    guidance_scale: guidanceScale,
    seed: z
      .int()
      .describe(
        "What the model starts from: with the same seed it makes the same picture, as far as it can.",
      ),
  })
  .describe(
    "What the picture is asked with; a model that takes another range gets the nearest end, with a warning.",
  );

const { contentType, ...otherRendition } = renditionSchema.shape;
const renditionDocumentSchema = z.object({ ...otherRendition, content_type: contentType });

export const imageDocumentSchema = z.object({
  image_id: z.string().describe("The image's id."),
  request_id: z.string().describe("The request that it belongs to."),
  prompt: z
    .string()
    .nullable()
    .describe("The whole prompt; null without the scope `prompts:read`, and before it is built."),
  negative_prompt: z.string().nullable().describe("What the picture is not to show; null as `prompt` is."),
  model: z
    .string()
    .nullable()
    .describe("What made the picture, by the catalogue's name; null as long as there is none."),
  parameters: parametersDocumentSchema,
  category: categoryNameSchema,
  rating: ratingSchema.describe(
    "The effective rating: the higher of the category's and what the prompt says; a reviewer may change it.",
  ),
  tags: z
    .array(z.string())
    .describe("Of the template, of its slots' values, and the picture's main colours."),
  template: z.string().nullable().describe("The template's name; null for a prompt of one's own."),
  file_path: z
    .string()
    .nullable()
    .describe("The path of the rendition `full`, relative to the data folder or bucket; null without one."),
  version: z.int().nullable().describe("Which version is current, from 1; null until there is one."),
  renditions: z
    .array(renditionDocumentSchema)
    .describe("The files of the current version; empty without one."),
  metadata: z
    .object({
      generated_at: instant(
        "When the image came to its end, with or without a picture; null before.",
      ).nullable(),
      api_used: providerNameSchema
        .nullable()
        .describe("The provider that made the picture; null as long as there is none."),
      cost: z.number().describe("What all attempts at it were charged so far, in US dollars."),
      processing_time: z
        .number()
        .nullable()
        .describe("Seconds from the create at the provider to the record; null until it is recorded."),
      quality: z
        .number()
        .nullable()
        .describe(
          "Measured, 0 to 100: the worst of `quality_parts`, defects and not beauty; null until measured.",
        ),
      quality_parts: z
        .record(z.string(), z.number())
        .nullable()
        .describe(
          "By defect (`sharpness`, `exposure`, `contrast`, `colourfulness`, `noise`, `blockiness`), 0 (bad) to 100 (no defect found); null until measured.",
        ),
      attempts: z.int().describe("How many attempts were made to buy it."),
      duplicate_of: z
        .string()
        .nullable()
        .describe("An earlier image of the category that this one repeats; null where none was found."),
      warnings: z
        .array(z.string())
        .describe(
          "What of the request the model could not do, and what was done instead; one sentence each.",
        ),
    })
    .describe("How it was made, and what it cost."),
  verdict: verdictSchema
    .pick({ decision: true, basis: true, rating: true, reason: true })
    .nullable()
    .describe("Whether the picture may be shown, and why; null until it is judged."),
  status: imageStatusSchema,
  failure: failureSchema
    .extend({
      message: z
        .string()
        .describe(
          "What was wrong, for people; without the scope `prompts:read`, the error table's sentence.",
        ),
      rule: z
        .string()
        .nullable()
        .describe("What refused: a rule of the policy, `terms`, `verdict`, ...; null without one."),
    })
    .nullable()
    .describe("Why there is no picture, or why it has to wait; null where nothing is wrong."),
  excluded: z.array(exclusionSchema).describe("Models that were not taken, and why."),
  created_at: instant("When the image was planned."),
});
export type ImageDocument = z.infer<typeof imageDocumentSchema>;

/** @param prompt null where the caller may not read it, undefined where none was built yet */
export function imageDocument(image: Image, prompt: PromptText | null | undefined): ImageDocument {
  return {
    image_id: image.imageId,
    request_id: image.requestId,
    prompt: prompt?.prompt ?? null,
    negative_prompt: prompt?.negativePrompt ?? null,
    model: image.model,
    parameters: {
      width: image.parameters.width,
      height: image.parameters.height,
      steps: image.parameters.steps,
      guidance_scale: image.parameters.guidanceScale,
      seed: image.sentSeed ?? image.seed,
    },
    category: image.category,
    rating: image.rating,
    tags: image.tags,
    template: image.template,
    file_path: image.renditions.find((rendition) => rendition.name === "full")?.path ?? null,
    version: image.version,
    renditions: image.renditions.map(({ contentType, ...rendition }) => ({
      ...rendition,
      content_type: contentType,
    })),
    metadata: {
      generated_at: image.finishedAtMs === null ? null : new Date(image.finishedAtMs).toISOString(),
      api_used: image.provider,
      cost: usdFromMicros(image.costMicros),
      processing_time: image.processingMs === null ? null : image.processingMs / 1000,
      quality: image.quality,
      quality_parts: image.qualityParts,
      attempts: image.attempts,
      duplicate_of: image.duplicateOf,
      warnings: image.warnings,
    },
    verdict: image.verdict && verdictDocument(image.verdict),
    status: image.status,
    failure: image.failure,
    excluded: image.exclusions,
    created_at: new Date(image.createdAtMs).toISOString(),
  };
}

export const purchaseDocumentSchema = z.object({
  attempt_id: z.string(),
  provider: providerNameSchema,
  model: z.string(),
  state: z.enum(ATTEMPT_STATES),
  /** US dollars: what was set aside, what the list says, what was charged in the end (null: not settled yet). */
  held: z.number(),
  list: z.number(),
  charged: z.number().nullable(),
  /** What was charged less what the list says; null until it is settled. */
  difference: z.number().nullable(),
  /** From the create to its outcome. */
  seconds: z.number().nullable(),
  failure: z.object({ name: z.string(), message: z.string() }).nullable(),
  created_at: z.string(),
});
/** One attempt to buy an image. */
export type PurchaseDocument = z.infer<typeof purchaseDocumentSchema>;

export function purchaseDocument(attempt: Attempt): PurchaseDocument {
  const { outcome, listMicros, settledMicros } = attempt;
  const chargedMicros = settledMicros === null ? null : settledMicros + (attempt.correctionMicros ?? 0);
  return {
    attempt_id: attempt.attemptId,
    provider: attempt.provider,
    model: attempt.model,
    state: attempt.state,
    held: usdFromMicros(attempt.holdMicros),
    list: usdFromMicros(listMicros),
    charged: chargedMicros === null ? null : usdFromMicros(chargedMicros),
    difference: chargedMicros === null ? null : usdFromMicros(chargedMicros - listMicros),
    seconds:
      outcome === null || attempt.submittingAtMs === null
        ? null
        : (outcome.atMs - attempt.submittingAtMs) / 1000,
    failure: outcome?.kind === "failed" ? { name: outcome.name, message: outcome.message } : null,
    created_at: new Date(attempt.createdAtMs).toISOString(),
  };
}

/** An image with every attempt to buy it, the first one first. */
export type ShownDocument = ImageDocument & { readonly purchases: readonly PurchaseDocument[] };

/** What was measured stays on the record: numbers for reviewers, in the words of a classifier. */
function verdictDocument({ decision, basis, rating, reason }: Verdict): ImageDocument["verdict"] {
  return { decision, basis, rating, reason };
}

/** What a dry run answers for one variation; byte-equal on every machine for the same settings. */
export const variationDocumentSchema = z.object({
  category: categoryNameSchema,
  template: imageDocumentSchema.shape.template,
  prompt: z.string().describe("The whole prompt, with the words that were chosen for its slots."),
  negative_prompt: z.string().describe("What the picture is not to show; empty where nothing is said."),
  seed: z.int().describe("The picture's own seed, which its first attempt sends."),
  rating: ratingSchema.describe(
    "The effective rating: the higher of the category's and what the prompt says.",
  ),
  tags: z.array(z.string()).describe("Of the template and of the values chosen for its slots."),
  parameters: parametersDocumentSchema,
  candidates: z
    .array(
      z.object({
        model: z.string().describe("Catalogue name."),
        provider: providerNameSchema,
        price: pricedSchema.describe("Of this picture, in US dollars."),
        terms: z
          .object({
            date: z.string().describe("When they were read or attested, yyyy-mm-dd."),
            source: z.string().describe("Where they stand, or who attests them."),
          })
          .describe("The terms that allow the rating."),
        warnings: z
          .array(z.string())
          .describe("What of the request the model cannot do, and what would be done instead."),
      }),
    )
    .describe("The models that can make it, the best first: the first one would be asked."),
  excluded: z.array(exclusionSchema).describe("Every other model, and why it cannot."),
  price: pricedSchema.nullable().describe("Of the first candidate, in US dollars; null when there is none."),
  policy: z
    .object({
      decision: z.enum(["allowed", "refused"]).describe("`refused`: the picture would not be made."),
      rule: z.string().nullable().describe("The rule that refuses; null when allowed."),
      message: z.string().nullable().describe("What to write instead, for people; null when allowed."),
    })
    .describe("What the content policy says of the prompt."),
  occurrence: z.string().nullable().describe("The occurrence that asks for it, in a plan; null elsewhere."),
});
export type VariationDocument = z.infer<typeof variationDocumentSchema>;

/** A command that was refused before anything was bought; never repeats the text of a prompt. */
export interface RefusalDocument {
  status: "refused";
  rule: string;
  message: string;
}

/** A counter of the ledger held against the attempts, in US dollars. */
export interface BudgetProofDocument {
  scope: string;
  period: string;
  /** Null for a scope without a limit, which is counted from zero. */
  limit: number | null;
  remaining: number;
  spent: number;
  held: number;
  /** `remaining - (limit - spent - held)` */
  difference: number;
  proved: boolean;
}

export const budgetDocumentSchema = z.object({
  scope: z
    .string()
    .describe("What is limited: `day`, `month`, or within the month `provider:NAME` or `category:NAME`."),
  period: z.string().describe("The local day (yyyy-mm-dd) or month (yyyy-mm) that runs."),
  limit: z.number().describe("What may be spent in the period, in US dollars."),
  remaining: z
    .number()
    .describe(
      "What is neither spent nor held, in US dollars; below zero when a provider charged more than was held.",
    ),
  spent: z.number().describe("What was charged, in US dollars."),
  held: z.number().describe("What is set aside for attempts that are not settled yet, in US dollars."),
  resets_at: instant("When the period ends and the whole limit is there again."),
});
export type BudgetDocument = z.infer<typeof budgetDocumentSchema>;
