/** @module An image: one picture being made or made; the unit of work and of audit. */
import * as z from "zod";
import { categoryNameSchema, parametersSchema, providerNameSchema, ratingSchema } from "./catalogue.ts";
import { amountMicrosSchema } from "./money.ts";

export const IMAGE_STATUSES = [
  "planned",
  "held",
  "generating",
  "processing",
  "completed",
  "quarantined",
  "rejected",
  "failed",
  "unknown",
  "cancelled",
] as const;
export const imageStatusSchema = z.enum(IMAGE_STATUSES);
export type ImageStatus = z.infer<typeof imageStatusSchema>;

/** Nothing moves an image out of these by itself. `unknown` is not among them: a late success goes on. */
export const TERMINAL_STATUSES = [
  "completed",
  "quarantined",
  "rejected",
  "failed",
  "cancelled",
] as const satisfies ImageStatus[];
export const OPEN_STATUSES = [
  "planned",
  "held",
  "generating",
  "processing",
  "unknown",
] as const satisfies ImageStatus[];

export function isTerminal(status: ImageStatus): boolean {
  return (TERMINAL_STATUSES as readonly ImageStatus[]).includes(status);
}

/** `blurred` shows nothing that could be made out: it stands where the others may not. */
export const RENDITION_NAMES = ["full", "web", "preview", "thumbnail", "blurred"] as const;
export const renditionSchema = z.object({
  name: z.enum(RENDITION_NAMES),
  path: z.string(),
  width: z.int(),
  height: z.int(),
  bytes: z.int(),
  sha256: z.string(),
  contentType: z.string(),
});
export type Rendition = z.infer<typeof renditionSchema>;

/** A file as a provider delivered it, kept by us. */
export const storedOutputSchema = z.object({
  key: z.string(),
  sha256: z.string(),
  bytes: z.int(),
  contentType: z.string(),
  /** One file of four pictures; absent for a single one. */
  layout: z.literal("grid-2x2").optional(),
});
export type StoredOutput = z.infer<typeof storedOutputSchema>;

/** Probabilities, 0 to 1, that a picture shows at least that much; `other` is anything else that nobody may be shown. */
export const ratingScoresSchema = z.object({
  suggestive: z.number().min(0).max(1),
  nudity: z.number().min(0).max(1),
  explicit: z.number().min(0).max(1),
  /** Violence, hate symbols and the like; 0 from a classifier that does not look for them. */
  other: z.number().min(0).max(1),
});
export type RatingScores = z.infer<typeof ratingScoresSchema>;

/** A face as a classifier saw it: how sure it is of the face, 0 to 1, and the (lowest) age that it estimates, in years. */
export const faceEstimateSchema = z.object({
  score: z.number().min(0).max(1),
  ageYears: z.number().min(0).max(120),
});
export type FaceEstimate = z.infer<typeof faceEstimateSchema>;

/**
 * `explicit` is never released; `basis` says what decided, `reason` is for people. `known-picture`: a reviewer has removed
 * the same picture before; `review`: a person decided.
 */
export const verdictSchema = z.object({
  decision: z.enum(["released", "quarantined", "rejected"]),
  basis: z.enum(["sandbox-mark", "no-classifier", "classifier", "known-picture", "review"]),
  rating: z.enum(["general", "suggestive", "nudity", "explicit"]).nullable(),
  reason: z.string(),
  /** A suspected minor in a rated picture: nobody looks at it, nothing copies it, the operator is told. */
  sealed: z.boolean().default(false),
  /** A reviewer should look at this one first. */
  priority: z.boolean().default(false),
  /** What was measured, by which classifier, and the thresholds of that day; null and empty where nothing was. */
  classifier: z.string().nullable().default(null),
  scores: ratingScoresSchema.nullable().default(null),
  faces: z.array(faceEstimateSchema).default([]),
  thresholds: z.record(z.string(), z.number()).nullable().default(null),
});
export type Verdict = z.infer<typeof verdictSchema>;

/** Each 0 (bad) to 100 (no defect found). */
export const qualityPartsSchema = z.object({
  sharpness: z.number(),
  exposure: z.number(),
  contrast: z.number(),
  colourfulness: z.number(),
  noise: z.number(),
  blockiness: z.number(),
});
export type QualityParts = z.infer<typeof qualityPartsSchema>;

/** Why a model was not taken; kept on the image so that it can be asked later. */
export const exclusionSchema = z.object({
  model: z.string(),
  provider: z.string(),
  reason: z.string(),
  detail: z.string(),
});
export type Exclusion = z.infer<typeof exclusionSchema>;

/** A 64-bit difference hash as 16 hexadecimal digits, and that of the mirrored picture. */
export const fingerprintSchema = z.object({ dhash: z.string().length(16), mirrored: z.string().length(16) });
export type Fingerprint = z.infer<typeof fingerprintSchema>;

export const imageSchema = z.object({
  imageId: z.string(),
  requestId: z.string(),
  /** Of the request: the caller of the API whose image this is; null: the installation's own. */
  askedBy: z.string().nullable(),
  /** Position in the request, from 0. */
  index: z.int().nonnegative(),
  part: z.int().nonnegative(),
  /** A copy of the part's generation: writes of a run that was taken over fail on it. */
  generation: z.int().positive(),
  category: categoryNameSchema,
  /** Null for a free prompt. */
  template: z.string().nullable(),
  /** Slot name to the words chosen, of images that were planned by the first release; a prompt stands in the vault now. */
  slots: z.record(z.string(), z.string()),
  /** Keyed hashes of the words that its slots were given (`words.ts`), to be found by; none of a free prompt. */
  words: z.array(z.string()),
  /** The effective rating: raised by `validate` when the prompt says more than the category. */
  rating: ratingSchema,
  tags: z.array(z.string()),
  parameters: parametersSchema,
  /** The image's own seed, unique in its batch; the first attempt sends it. */
  seed: z.int().positive(),
  /** Whose creates go first where a provider limits them. */
  priority: z.enum(["plan", "interactive"]),
  /** A catalogue name that the caller insists on, or null. */
  wantedModel: z.string().nullable(),
  /** The provider that this command buys from, or null for whatever routing chooses. */
  wantedProvider: providerNameSchema.nullable(),
  /** This image's share of the command's cap, or null. */
  maxCostMicros: amountMicrosSchema.nullable(),
  status: imageStatusSchema,
  createdAtMs: z.int(),
  /** Local date (yyyy-mm-dd) of the occurrence or request: the folder in storage. */
  localDate: z.string(),
  /** After this nothing new is started for the image. */
  deadlineAtMs: z.int(),
  /** How many attempts exist; the next number is claimed by condition on it. */
  attempts: z.int().nonnegative(),
  currentAttemptId: z.string().nullable(),
  promptHash: z.string().nullable(),
  exclusions: z.array(exclusionSchema),
  warnings: z.array(z.string()),
  failure: z.object({ name: z.string(), message: z.string(), rule: z.string().nullable() }).nullable(),

  // From here on: known once recorded, null before.
  chosenAttemptId: z.string().nullable(),
  model: z.string().nullable(),
  provider: providerNameSchema.nullable(),
  /** The seed of the chosen attempt. */
  sentSeed: z.int().nullable(),
  /** What all attempts of this image were charged, micro-USD. */
  costMicros: z.int(),
  /** From creation at the provider to the record, milliseconds. */
  processingMs: z.int().nullable(),
  quality: z.number().min(0).max(100).nullable(),
  qualityParts: qualityPartsSchema.nullable(),
  fingerprint: fingerprintSchema.nullable(),
  /** An earlier image that this one repeats, by fingerprint. */
  duplicateOf: z.string().nullable(),
  verdict: verdictSchema.nullable(),
  version: z.int().nullable(),
  /** The version as it was filed, or moved by a review; absent: `version`. The current one may have been made of it later. */
  baseVersion: z.int().positive().optional(),
  /** The highest number that was given to a version; absent: `version`. */
  lastVersion: z.int().positive().optional(),
  manifestKey: z.string().nullable(),
  renditions: z.array(renditionSchema),
  originals: z.array(storedOutputSchema),
  finishedAtMs: z.int().nullable(),
  /** When files, prompt and details were removed; the record stays. Absent before. */
  erasedAtMs: z.int().optional(),
});
export type Image = z.infer<typeof imageSchema>;
