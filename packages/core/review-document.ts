/** @module What reviewers are shown, in the snake_case of the public documents. */
import * as z from "zod";
import type { AgeAttestation, Expiring, TermsAttestation } from "./attestations.ts";
import { expiringText, isAgeAttested } from "./attestations.ts";
import { restraintDecision } from "./caller-restraint.ts";
import { categoryNameSchema, ratingSchema } from "./catalogue.ts";
import { type Image, imageStatusSchema, verdictSchema } from "./image.ts";
import type { TextVault } from "./ports.ts";
import type { CallerRecord } from "./probing.ts";
import type { Review, ReviewDecision, ReviewVote } from "./review.ts";
import { ratingSeen } from "./review-wanted.ts";

/** A line of the list of what waits for a person. */
export const reviewDocumentSchema = z.object({
  image_id: z.string(),
  status: imageStatusSchema,
  category: categoryNameSchema,
  rating: ratingSchema,
  /** What it shows at most, as far as is known. */
  rating_seen: ratingSchema,
  /** May show a minor: no file of it is named. */
  sealed: z.boolean(),
  priority: z.boolean(),
  reason: z.string(),
  /** Reviewers who have said what another one has to confirm. */
  votes: z.array(z.object({ action: z.string(), rating: ratingSchema, by: z.string() })),
  /** Decided; being carried out. */
  pending: z.string().nullable(),
  /** RFC 3339 in UTC. */
  created_at: z.string(),
  /** Path of the preview, relative to the data folder; null where nobody may look. */
  preview: z.string().nullable(),
});
export type ReviewDocument = z.infer<typeof reviewDocumentSchema>;

export function reviewDocument(image: Image, review: Review | undefined): ReviewDocument {
  const verdict = image.verdict;
  return {
    image_id: image.imageId,
    status: image.status,
    category: image.category,
    rating: image.rating,
    rating_seen: ratingSeen(image),
    sealed: verdict?.sealed ?? false,
    priority: verdict?.priority ?? false,
    reason: verdict?.reason ?? "",
    votes: currentVotes(image, review).map(({ action, rating, by }) => ({ action, rating, by })),
    pending: review?.pending?.action ?? null,
    created_at: new Date(image.createdAtMs).toISOString(),
    preview: shownFiles(image).find(({ name }) => name === "preview")?.path ?? null,
  };
}

const saidDocumentSchema = z.object({ by: z.string(), at: z.string(), reason: z.string() });
type SaidDocument = z.infer<typeof saidDocumentSchema>;

/** Everything that helps to decide, and what was decided before, with reasons. */
export const shownReviewDocumentSchema = reviewDocumentSchema.extend({
  evidence: verdictSchema
    .pick({ decision: true, basis: true, classifier: true, scores: true, thresholds: true })
    .extend({ faces: z.array(z.object({ score: z.number(), age_years: z.number() })) }),
  files: z.array(z.object({ name: z.string(), path: z.string() })),
  waiting: z.array(saidDocumentSchema),
  history: z.array(
    z.object({
      action: z.string(),
      from_rating: ratingSchema,
      rating: ratingSchema,
      at: z.string(),
      said: z.array(saidDocumentSchema),
    }),
  ),
});
export type ShownReviewDocument = z.infer<typeof shownReviewDocumentSchema>;

export async function shownReviewDocument(
  image: Image,
  review: Review | undefined,
  deps: { readonly texts: TextVault },
): Promise<ShownReviewDocument> {
  const said = ({ by, atMs, note }: ReviewVote) => opened(image.imageId, by, atMs, note, deps.texts);
  const { verdict } = image;
  return {
    ...reviewDocument(image, review),
    evidence: {
      decision: verdict?.decision ?? "quarantined",
      basis: verdict?.basis ?? "no-classifier",
      classifier: verdict?.classifier ?? null,
      scores: verdict?.scores ?? null,
      thresholds: verdict?.thresholds ?? null,
      faces: (verdict?.faces ?? []).map(({ score, ageYears }) => ({ score, age_years: ageYears })),
    },
    files: shownFiles(image).map(({ name, path }) => ({ name, path })),
    waiting: await Promise.all(currentVotes(image, review).map(said)),
    history: await Promise.all(
      (review?.decided ?? []).map(async (decision: ReviewDecision) => ({
        action: decision.action,
        from_rating: decision.fromRating,
        rating: decision.rating,
        at: new Date(decision.atMs).toISOString(),
        said: await Promise.all(decision.votes.map(said)),
      })),
    ),
  };
}

async function opened(
  imageId: string,
  by: string,
  atMs: number,
  note: string,
  texts: TextVault,
): Promise<SaidDocument> {
  const reason = await texts.open({ purpose: "review-note", subject: imageId }, note);
  return { by, at: new Date(atMs).toISOString(), reason };
}

function currentVotes(image: Image, review: Review | undefined): readonly ReviewVote[] {
  return (review?.votes ?? []).filter(({ version }) => version === image.version);
}

function shownFiles({ verdict, renditions }: Image): Image["renditions"] {
  return verdict?.sealed ? [] : renditions;
}

export const callerDocumentSchema = z.object({
  caller: z.string(),
  state: z.enum(["admitted", "waits", "suspended"]),
  /** In the window that counts. */
  refusals: z.int(),
  /** RFC 3339; null unless it waits. */
  retry_at: z.string().nullable(),
  suspended_at: z.string().nullable(),
  lifted: z.object({ by: z.string(), at: z.string(), reason: z.string() }).nullable(),
});
export type CallerDocument = z.infer<typeof callerDocumentSchema>;

export function callerDocument({ caller, restraint }: CallerRecord, nowMs: number): CallerDocument {
  const decision = restraintDecision(restraint, nowMs);
  const states = { admitted: "admitted", wait: "waits", suspended: "suspended" } as const;
  const { lifted } = restraint;
  return {
    caller,
    state: states[decision.kind],
    refusals: restraint.refusedAtMs.length,
    retry_at: decision.kind === "wait" ? new Date(restraint.notBeforeMs).toISOString() : null,
    suspended_at: restraint.suspendedAtMs === null ? null : new Date(restraint.suspendedAtMs).toISOString(),
    lifted: lifted && { by: lifted.by, at: new Date(lifted.atMs).toISOString(), reason: lifted.reason },
  };
}

export const attestationDocumentSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("terms"),
    provider: z.string(),
    rating: ratingSchema,
    by: z.string(),
    /** yyyy-mm-dd */
    date: z.string(),
    how: z.string(),
  }),
  z.object({
    kind: z.literal("age"),
    viewer: z.string(),
    by: z.string(),
    at: z.string(),
    until: z.string(),
    how: z.string(),
    valid: z.boolean(),
  }),
]);
export type AttestationDocument = z.infer<typeof attestationDocumentSchema>;

export function termsAttestationDocument(attestation: TermsAttestation): AttestationDocument {
  const { provider, rating, by, date, how } = attestation;
  return { kind: "terms", provider, rating, by, date, how };
}

export function ageAttestationDocument(attestation: AgeAttestation, nowMs: number): AttestationDocument {
  const { viewer, by, atMs, untilMs, how } = attestation;
  return {
    kind: "age",
    viewer,
    by,
    at: new Date(atMs).toISOString(),
    until: new Date(untilMs).toISOString(),
    how,
    valid: isAgeAttested(attestation, nowMs),
  };
}

export interface ExpiringDocument {
  readonly what: string;
  readonly name: string;
  readonly rating: string | null;
  readonly last_day: string;
  readonly days_left: number;
  readonly message: string;
}

export function expiringDocument(found: Expiring): ExpiringDocument {
  const { what, name, rating, lastDay, daysLeft } = found;
  return { what, name, rating, last_day: lastDay, days_left: daysLeft, message: expiringText(found) };
}
