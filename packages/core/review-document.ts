/** @module What reviewers are shown, in the snake_case of the public documents. */
import type { AgeAttestation, Expiring, TermsAttestation } from "./attestations.ts";
import { expiringText, isAgeAttested } from "./attestations.ts";
import { restraintDecision } from "./caller-restraint.ts";
import type { Image, Verdict } from "./image.ts";
import type { TextVault } from "./ports.ts";
import type { CallerRecord } from "./probing.ts";
import { type Review, type ReviewDecision, type ReviewVote, ratingSeen } from "./review.ts";

/** A line of the list of what waits for a person. */
export interface ReviewDocument {
  readonly image_id: string;
  readonly status: string;
  readonly category: string;
  readonly rating: string;
  /** What it shows at most, as far as is known. */
  readonly rating_seen: string;
  /** May show a minor: no file of it is named. */
  readonly sealed: boolean;
  readonly priority: boolean;
  readonly reason: string;
  /** Reviewers who have said what another one has to confirm. */
  readonly votes: readonly { readonly action: string; readonly rating: string; readonly by: string }[];
  /** Decided; being carried out. */
  readonly pending: string | null;
  readonly created_at: string;
  /** Path of the preview, relative to the data folder; null where nobody may look. */
  readonly preview: string | null;
}

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

/** Everything that helps to decide, and what was decided before, with reasons. */
export interface ShownReviewDocument extends ReviewDocument {
  readonly evidence: Pick<Verdict, "decision" | "basis" | "classifier" | "scores" | "thresholds"> & {
    readonly faces: readonly { readonly score: number; readonly age_years: number }[];
  };
  readonly files: readonly { readonly name: string; readonly path: string }[];
  readonly waiting: readonly SaidDocument[];
  readonly history: readonly {
    readonly action: string;
    readonly from_rating: string;
    readonly rating: string;
    readonly at: string;
    readonly said: readonly SaidDocument[];
  }[];
}
export interface SaidDocument {
  readonly by: string;
  readonly at: string;
  readonly reason: string;
}

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

export interface CallerDocument {
  readonly caller: string;
  readonly state: "admitted" | "waits" | "suspended";
  /** In the window that counts. */
  readonly refusals: number;
  /** RFC 3339; null unless it waits. */
  readonly retry_at: string | null;
  readonly suspended_at: string | null;
  readonly lifted: { readonly by: string; readonly at: string; readonly reason: string } | null;
}

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

export type AttestationDocument =
  | {
      readonly kind: "terms";
      readonly provider: string;
      readonly rating: string;
      readonly by: string;
      /** yyyy-mm-dd */
      readonly date: string;
      readonly how: string;
    }
  | {
      readonly kind: "age";
      readonly viewer: string;
      readonly by: string;
      readonly at: string;
      readonly until: string;
      readonly how: string;
      readonly valid: boolean;
    };

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
