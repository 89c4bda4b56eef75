/** @module What reviewers are shown, in the snake_case of the public documents. */
import * as z from "zod";
import type { AgeAttestation, Expiring, TermsAttestation } from "./attestations.ts";
import { expiringText, isAgeAttested } from "./attestations.ts";
import { DEFAULT_RESTRAINT_LIMITS, restraintDecision } from "./caller-restraint.ts";
import { categoryNameSchema, providerNameSchema, ratingSchema } from "./catalogue.ts";
import { instant } from "./document-fields.ts";
import {
  faceEstimateSchema,
  type Image,
  imageStatusSchema,
  renditionSchema,
  verdictSchema,
} from "./image.ts";
import type { TextVault } from "./ports.ts";
import type { CallerRecord } from "./probing.ts";
import type { Review, ReviewDecision, ReviewVote } from "./review.ts";
import { ratingSeen } from "./review-wanted.ts";

const reviewerSchema = z
  .string()
  .describe("The reviewer: a token's subject, or the operating system's user.");
const actionSchema = z
  .string()
  .describe(
    "`release`: out of quarantine; `reject`: removed for good; `rate`: given another rating; `unseal`: no suspicion of a minor any more.",
  );

/** A line of the list of what waits for a person. */
export const reviewDocumentSchema = z.object({
  image_id: z.string().describe("The image's id."),
  status: imageStatusSchema,
  category: categoryNameSchema,
  rating: ratingSchema.describe("What the picture is rated now."),
  rating_seen: ratingSchema.describe(
    "What it shows at most: the higher of `rating` and what a classifier or reviewer saw. `release` files it under this one.",
  ),
  sealed: z.boolean().describe("It may show a minor: no file of it is named, and nobody may look at it."),
  priority: z.boolean().describe("To be looked at before the others."),
  reason: z.string().describe("Why it waits, for people; empty where nothing was said."),
  votes: z
    .array(
      z.object({
        action: actionSchema,
        rating: ratingSchema.describe("What the picture would be rated then."),
        by: reviewerSchema,
      }),
    )
    .describe("What reviewers have said that another one has to confirm."),
  pending: z
    .string()
    .nullable()
    .describe("The action that is decided and being carried out; null otherwise."),
  created_at: instant("When the image was planned."),
  preview: z
    .string()
    .nullable()
    .describe(
      "Path of the rendition `preview`, relative to the data folder or bucket; null where nobody may look.",
    ),
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

const saidDocumentSchema = z.object({
  by: reviewerSchema,
  at: instant("When it was said."),
  reason: z.string().describe("Why, in the reviewer's words."),
});
type SaidDocument = z.infer<typeof saidDocumentSchema>;

/** Everything that helps to decide, and what was decided before, with reasons. */
export const shownReviewDocumentSchema = reviewDocumentSchema.extend({
  evidence: verdictSchema
    .pick({ decision: true, basis: true, classifier: true, scores: true, thresholds: true })
    .extend({
      faces: z
        .array(
          z.object({ score: faceEstimateSchema.shape.score, age_years: faceEstimateSchema.shape.ageYears }),
        )
        .describe("Every face that was seen."),
    })
    .describe("The verdict, and what was measured for it."),
  files: z
    .array(z.object({ name: renditionSchema.shape.name, path: renditionSchema.shape.path }))
    .describe("The files of the picture; none of a sealed one."),
  waiting: z.array(saidDocumentSchema).describe("Reasons for the `votes`, in their order."),
  history: z
    .array(
      z.object({
        action: actionSchema,
        from_rating: ratingSchema.describe("What the picture was rated before."),
        rating: ratingSchema.describe("What it was rated from then on."),
        at: instant("When it was decided."),
        said: z
          .array(saidDocumentSchema)
          .describe("Who decided, and why; empty for a picture that looked like one removed before."),
      }),
    )
    .describe("What was decided about the picture, the oldest first."),
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

const { windowMs, freeRefusals, suspendAfter } = DEFAULT_RESTRAINT_LIMITS;
const windowHours = windowMs / (60 * 60 * 1000);

export const callerDocumentSchema = z.object({
  caller: z.string().describe("A token's subject."),
  state: z
    .enum(["admitted", "waits", "suspended"])
    .describe(
      "`admitted`: may ask; `waits`: is turned away until `retry_at`; `suspended`: is turned away until somebody lifts it.",
    ),
  refusals: z
    .int()
    .describe(
      `Prompts that the policy refused within the ${windowHours} hours up to the last one: ${freeRefusals} cost nothing, ${suspendAfter} suspend.`,
    ),
  retry_at: instant("When the caller may ask again; null unless it waits.").nullable(),
  suspended_at: instant("When it was suspended; null unless it is.").nullable(),
  lifted: saidDocumentSchema
    .extend({ by: z.string().describe("Who lifted it.") })
    .nullable()
    .describe("Who lifted the last suspension, when and why; null where nobody did."),
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

const attestedSchema = {
  by: z.string().describe("Who gives their word: a token's subject, or the operating system's user."),
  how: z.string().describe("How they know, in their words."),
};

export const attestationDocumentSchema = z.discriminatedUnion("kind", [
  z
    .object({
      kind: z.literal("terms").describe("Of the terms of an account or machine of the operator's own."),
      provider: providerNameSchema,
      rating: ratingSchema.describe("What the terms allow, and whatever is below it."),
      ...attestedSchema,
      date: z
        .string()
        .describe("When the word was given, yyyy-mm-dd; it counts as long as terms in the catalogue do."),
    })
    .describe("That the terms of the operator's own account at a provider allow a rating."),
  z
    .object({
      kind: z.literal("age").describe("Of a viewer's age."),
      viewer: z.string().describe("Whose age: a token's subject, or the operating system's user."),
      ...attestedSchema,
      at: instant("When the word was given."),
      until: instant("When it ends."),
      valid: z.boolean().describe("Whether it counts now."),
    })
    .describe("That a viewer is an adult."),
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
