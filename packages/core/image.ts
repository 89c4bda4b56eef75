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
export const imageStatusSchema = z
  .enum(IMAGE_STATUSES)
  .describe(
    "`planned`: nothing is bought yet; `held`: its money is set aside; `generating`: at the provider; `processing`: being judged and developed; `completed`: released; `quarantined`: made, and waits for a reviewer; `rejected`: policy, terms, the verdict or a reviewer refused it; `failed`: ended without a picture; `unknown`: nobody can tell yet whether the provider made it; `cancelled`: somebody called it off.",
  );
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

export const RENDITION_NAMES = ["full", "web", "preview", "thumbnail", "blurred"] as const;
export const renditionNameSchema = z
  .enum(RENDITION_NAMES)
  .describe(
    "Which file of the picture, from `full` (its own size) down to `thumbnail`; `blurred` shows nothing that could be made out, and stands where the others may not.",
  );
export const renditionSchema = z.object({
  name: renditionNameSchema,
  path: z.string().describe("Where the file stands, relative to the data folder or bucket."),
  width: z.int().describe("Width in pixels."),
  height: z.int().describe("Height in pixels."),
  bytes: z.int().describe("Size of the file in bytes."),
  sha256: z.string().describe("SHA-256 of the file, in hexadecimal digits."),
  contentType: z.string().describe("Media type of the file, such as `image/webp`."),
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

const probability = z.number().min(0).max(1);

export const ratingScoresSchema = z
  .object({
    suggestive: probability.describe("That it is suggestive, or more."),
    nudity: probability.describe("That it shows nudity, or more."),
    explicit: probability.describe("That it is explicit."),
    other: probability.describe(
      "That it shows violence, hate symbols or the like; 0 from a classifier that does not look for them.",
    ),
  })
  .describe("Probabilities, 0 to 1, of what the picture shows.");
export type RatingScores = z.infer<typeof ratingScoresSchema>;

/** A face as a classifier saw it. */
export const faceEstimateSchema = z.object({
  score: probability.describe("How sure the classifier is that this is a face, 0 to 1."),
  ageYears: z
    .number()
    .min(0)
    .max(120)
    .describe("The age that it estimates, the lowest of a range, in years."),
});
export type FaceEstimate = z.infer<typeof faceEstimateSchema>;

export const verdictSchema = z.object({
  decision: z
    .enum(["released", "quarantined", "rejected"])
    .describe("`released`: may be shown; `quarantined`: waits for a reviewer; `rejected`: is never shown."),
  basis: z
    .enum(["sandbox-mark", "no-classifier", "classifier", "known-picture", "review"])
    .describe(
      "What decided: `sandbox-mark`, it is a placeholder of our own sandbox; `no-classifier`, none is installed; `classifier`; `known-picture`, a reviewer has removed the same picture before; `review`, a person.",
    ),
  rating: z
    .enum(["general", "suggestive", "nudity", "explicit"])
    .nullable()
    .describe(
      "What the picture was seen to show; null where nothing was measured. `explicit` is never released.",
    ),
  reason: z.string().describe("One sentence for people."),
  sealed: z
    .boolean()
    .default(false)
    .describe(
      "A suspected minor in a rated picture: nobody looks at it, nothing copies it, the operator is told.",
    ),
  priority: z.boolean().default(false).describe("A reviewer should look at this one first."),
  classifier: z
    .string()
    .nullable()
    .default(null)
    .describe("Name and version of the classifier that measured; null where nothing was measured."),
  scores: ratingScoresSchema
    .nullable()
    .default(null)
    .describe("What was measured, as probabilities from 0 to 1; null where nothing was."),
  faces: z.array(faceEstimateSchema).default([]).describe("Every face that was seen."),
  thresholds: z
    .record(z.string(), z.number())
    .nullable()
    .default(null)
    .describe("The thresholds of that day by name, such as `holdScore`; null where nothing was measured."),
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
  model: z.string().describe("Catalogue name."),
  provider: z.string().describe("Who sells it."),
  reason: z
    .string()
    .describe(
      "`other-model-wanted`, `other-provider`: another one was asked for; `not-buyable`: only listed; `already-tried`: it has failed for this image; `unverified`: its version was never seen among published ones; `price-unknown`; `size`: it has no such size; `prompt-too-long`; `terms`, `licence`: they do not allow the rating; `content-rejected`: the provider's filter rejected this picture; `disabled`: the provider is not switched on; `no-key`: no key or address of it is set; `price-cap`: it can cost more than is allowed; `unhealthy`: it fails, or its provider takes nothing just now.",
    ),
  detail: z.string().describe("The same for people, with numbers and names."),
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
