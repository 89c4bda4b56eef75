/**
 * @module The public documents, in snake_case as the users' other modules expect them. This file is the one place where
 * the code's camelCase becomes the contract of the command line and the API.
 */
import * as z from "zod";
import { ATTEMPT_STATES, type Attempt } from "./attempt.ts";
import { categoryNameSchema, providerNameSchema, ratingSchema } from "./catalogue.ts";
import { exclusionSchema, type Image, imageStatusSchema, RENDITION_NAMES, type Verdict } from "./image.ts";
import { usdFromMicros } from "./money.ts";
import type { PromptText } from "./ports.ts";

const parametersDocumentSchema = z.object({
  width: z.int(),
  height: z.int(),
  steps: z.int(),
  guidance_scale: z.number(),
  seed: z.int().nullable(),
});

export const imageDocumentSchema = z.object({
  image_id: z.string(),
  request_id: z.string(),
  /** Null for callers who may not read prompts. */
  prompt: z.string().nullable(),
  negative_prompt: z.string().nullable(),
  /** Catalogue name; null until one was chosen. */
  model: z.string().nullable(),
  parameters: parametersDocumentSchema,
  category: categoryNameSchema,
  rating: ratingSchema,
  tags: z.array(z.string()),
  template: z.string().nullable(),
  /** The path of `full`, relative to the data folder or bucket; null until it exists. */
  file_path: z.string().nullable(),
  version: z.int().nullable(),
  renditions: z.array(
    z.object({
      name: z.enum(RENDITION_NAMES),
      path: z.string(),
      width: z.int(),
      height: z.int(),
      bytes: z.int(),
      sha256: z.string(),
      content_type: z.string(),
    }),
  ),
  metadata: z.object({
    /** RFC 3339 in UTC; null until recorded. */
    generated_at: z.string().nullable(),
    /** The provider that was called. */
    api_used: providerNameSchema.nullable(),
    /** US dollars, all attempts together. */
    cost: z.number(),
    /** Seconds from the create at the provider to the record. */
    processing_time: z.number().nullable(),
    quality: z.number().nullable(),
    quality_parts: z.record(z.string(), z.number()).nullable(),
    attempts: z.int(),
    duplicate_of: z.string().nullable(),
    warnings: z.array(z.string()),
  }),
  verdict: z
    .object({ decision: z.string(), basis: z.string(), rating: z.string().nullable(), reason: z.string() })
    .nullable(),
  status: imageStatusSchema,
  failure: z.object({ name: z.string(), message: z.string(), rule: z.string().nullable() }).nullable(),
  excluded: z.array(exclusionSchema),
  created_at: z.string(),
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

const pricedSchema = z.object({ list: z.number(), most: z.number() });

/** What a dry run answers for one variation; byte-equal on every machine for the same settings. */
export const variationDocumentSchema = z.object({
  category: categoryNameSchema,
  template: z.string().nullable(),
  prompt: z.string(),
  negative_prompt: z.string(),
  seed: z.int(),
  rating: ratingSchema,
  tags: z.array(z.string()),
  parameters: parametersDocumentSchema,
  candidates: z.array(
    z.object({
      model: z.string(),
      provider: providerNameSchema,
      price: pricedSchema,
      terms: z.object({ date: z.string(), source: z.string() }),
      warnings: z.array(z.string()),
    }),
  ),
  excluded: z.array(exclusionSchema),
  /** Of the first candidate; null when there is none. */
  price: pricedSchema.nullable(),
  policy: z.object({
    decision: z.enum(["allowed", "refused"]),
    rule: z.string().nullable(),
    message: z.string().nullable(),
  }),
  /** The occurrence that asks for it, in a plan. */
  occurrence: z.string().nullable(),
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
  /** `day`, `month`, `provider:replicate`, `category:feet` */
  scope: z.string(),
  period: z.string(),
  limit: z.number(),
  remaining: z.number(),
  spent: z.number(),
  held: z.number(),
  /** RFC 3339 in UTC. */
  resets_at: z.string(),
});
export type BudgetDocument = z.infer<typeof budgetDocumentSchema>;
