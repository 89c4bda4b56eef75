/** @module An attempt: one paid call to one provider for one image; the unit of money. */
import * as z from "zod";
import { categoryNameSchema, providerNameSchema } from "./catalogue.ts";
import { storedOutputSchema } from "./image.ts";
import { amountMicrosSchema } from "./money.ts";

export const ATTEMPT_STATES = [
  "held",
  "submitting",
  "reconciling",
  "submitted",
  "succeeded",
  "failed",
  "unknown",
] as const;
export const attemptStateSchema = z.enum(ATTEMPT_STATES);
export type AttemptState = z.infer<typeof attemptStateSchema>;

/** What a provider answered with: an address to fetch, or bytes that we keep already. */
export const outputReferenceSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("url"), url: z.string(), layout: z.literal("grid-2x2").optional() }),
  z.object({ kind: z.literal("stored"), stored: storedOutputSchema }),
]);
export type OutputReference = z.infer<typeof outputReferenceSchema>;

/** Written once; the first writer wins. */
export const outcomeSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("succeeded"),
    outputs: z.array(outputReferenceSchema).min(1),
    /** What the provider says it charged; null when it does not tell. */
    costMicros: z.int().nonnegative().nullable(),
    atMs: z.int(),
  }),
  z.object({
    kind: z.literal("failed"),
    /** A name of the error table. */
    name: z.string(),
    message: z.string(),
    charged: z.boolean(),
    costMicros: z.int().nonnegative().nullable(),
    atMs: z.int(),
  }),
]);
export type Outcome = z.infer<typeof outcomeSchema>;

export const attemptSchema = z.object({
  attemptId: z.string(),
  imageId: z.string(),
  requestId: z.string(),
  number: z.int().positive(),
  /** A copy of the part's generation; see `Image.generation`. */
  generation: z.int().positive(),
  provider: providerNameSchema,
  /** Catalogue name. */
  model: z.string(),
  version: z.string().nullable(),
  /** Unique per attempt, so that a lost create can be recognised. */
  seed: z.int().positive(),
  state: attemptStateSchema,
  /** Which ledger: the sandbox spends play money of its own. */
  account: z.enum(["real", "sandbox"]),
  /** yyyy-mm and yyyy-mm-dd, pinned at creation: midnight moves no money. */
  budgetMonth: z.string(),
  budgetDay: z.string(),
  category: categoryNameSchema,
  /** The most that the attempt can cost. */
  holdMicros: amountMicrosSchema,
  /** The list price, booked when a provider does not tell what it charged. */
  listMicros: amountMicrosSchema,
  createdAtMs: z.int(),
  /** The job must have ended by then; sent to the provider as well. */
  deadlineAtMs: z.int(),
  /** Drawn by whoever goes from held to submitting: proof of being the one who may call. */
  nonce: z.string().nullable(),
  submittingAtMs: z.int().nullable(),
  /** The process or execution that submits, for telling whether it still lives. */
  submitter: z.string().nullable(),
  webhookUrl: z.string().nullable(),
  submittedAtMs: z.int().nullable(),
  /** Opaque to everyone but the provider. */
  operation: z.string().nullable(),
  /** When the one follow-up was claimed; nobody asks for it again, whatever became of it. */
  followUpAtMs: z.int().nullable(),
  /** When somebody last asked the provider; spaces out the reconciler. */
  checkedAtMs: z.int().nullable(),
  /** The last token wins. */
  token: z.string().nullable(),
  /** The first outcome wins. */
  outcome: outcomeSchema.nullable(),
  /** The outputs as kept under incoming/, by collect. */
  stored: z.array(storedOutputSchema),
  /** When they were kept. */
  storedAtMs: z.int().nullable(),
  /** Written once: what the attempt cost. Zero is a release. */
  settledMicros: amountMicrosSchema.nullable(),
  /** A charge that came to light after that. */
  correctionMicros: amountMicrosSchema.nullable(),
  /** When somebody cancelled its image while it ran: how it ended says nothing about its provider. */
  cancelledAtMs: z.int().nullable(),
  /** Of the picture that was made of it, 0 to 100; null before the record and without one. */
  quality: z.number().min(0).max(100).nullable(),
  ledgerApplied: z.boolean(),
  correctionApplied: z.boolean(),
});
export type Attempt = z.infer<typeof attemptSchema>;

/** True while the reconciler must look at the attempt. */
export function isOpen(attempt: Attempt): boolean {
  return (
    !attempt.ledgerApplied ||
    (attempt.correctionMicros !== null && !attempt.correctionApplied) ||
    attempt.state === "unknown"
  );
}
