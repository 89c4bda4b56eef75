/**
 * @module What people decide about pictures: let out, remove, rate, unseal. A decision is written first, whole; what follows
 * from it (`review-files.ts`) may be killed anywhere and is carried on by whoever comes next.
 */
import * as z from "zod";
import { audited } from "./audit.ts";
import { higherRating, type Rating, ratingRank, ratingSchema } from "./catalogue.ts";
import { AtelierError } from "./errors.ts";
import type { EventType } from "./events.ts";
import { eventIdOf } from "./ids.ts";
import { type Image, isTerminal } from "./image.ts";
import type { Page, Records, TextVault } from "./ports.ts";
import { type CarryOutDeps, carryOut } from "./review-files.ts";
import { baseVersionOf, nextNumber } from "./version.ts";

export const REVIEW_ACTIONS = ["release", "reject", "rate", "unseal"] as const;
export type ReviewAction = (typeof REVIEW_ACTIONS)[number];

const voteSchema = z.object({
  action: z.enum(REVIEW_ACTIONS),
  /** What the picture is rated from then on. */
  rating: ratingSchema,
  /** The version that was looked at: a vote for another one does not count. */
  version: z.int().positive(),
  by: z.string().min(1),
  atMs: z.int(),
  /** Why, sealed. */
  note: z.string(),
});
export type ReviewVote = z.infer<typeof voteSchema>;

const decisionSchema = z.object({
  decisionId: z.string(),
  action: z.enum(REVIEW_ACTIONS),
  fromRating: ratingSchema,
  rating: ratingSchema,
  /** Where the picture is from then on; null for one that is removed. */
  shelf: z.enum(["content", "quarantine"]).nullable(),
  version: z.int().positive(),
  /** The number under which it is filed from then on; absent: the next one. */
  toVersion: z.int().positive().optional(),
  atMs: z.int(),
  /** One vote for each reviewer that it took. */
  votes: z.array(voteSchema),
});
export type ReviewDecision = z.infer<typeof decisionSchema>;

/** One per image that somebody has decided about. */
export const reviewSchema = z.object({
  imageId: z.string(),
  createdAtMs: z.int(),
  /** Raised by one with each change. */
  revision: z.int().positive(),
  /** Waiting for another reviewer's. */
  votes: z.array(voteSchema),
  /** Decided, and not carried out to its end yet. */
  pending: decisionSchema.nullable(),
  /** The oldest first. */
  decided: z.array(decisionSchema),
});
export type Review = z.infer<typeof reviewSchema>;

export interface Reviews extends Records<Review> {
  /** Reviews with a pending decision, oldest first. */
  open(page: { limit: number; cursor?: string }): Promise<Page<Review>>;
}

export interface ReviewDeps extends CarryOutDeps {
  readonly reviews: Reviews;
  readonly texts: TextVault;
  /** Rated pictures need two reviewers to be let out, or rated down. */
  readonly isFourEyes: boolean;
}

export interface ReviewInput {
  readonly imageId: string;
  readonly action: ReviewAction;
  /** For `rate`. */
  readonly rating?: Rating | undefined;
  /** May be empty for `reject` and for rating up: the careful direction needs no reason. */
  readonly reason: string;
  readonly reviewer: string;
}

export type ReviewOutcome =
  | { readonly kind: "done"; readonly image: Image }
  /** Noted; another reviewer has to say the same. */
  | { readonly kind: "awaiting"; readonly image: Image; readonly reviewers: readonly string[] };

const RACES_MAX = 20;

/**
 * The same again is a success. What an earlier run began for the picture is finished first.
 *
 * @throws AtelierError `UnknownName`; `UsageError` for a missing reason and for what cannot be decided about the picture as it
 *   stands; `PolicyRefused` for what nobody may decide about it
 */
export async function review(input: ReviewInput, deps: ReviewDeps): Promise<ReviewOutcome> {
  for (let race = 0; race < RACES_MAX; race++) {
    await finishReview(input.imageId, deps);
    const image = await deps.images.get(input.imageId);
    if (!image) throw new AtelierError("UnknownName", `There is no image "${input.imageId}" here.`);
    const standing = await deps.reviews.get(input.imageId);
    if (isDone(image, input, standing)) return { kind: "done", image };
    const wanted = wantedBy(input, image, deps);
    const version = baseVersionOf(image);
    const others = (standing?.votes ?? []).filter(
      (vote) => vote.version === version && vote.by !== input.reviewer,
    );
    const vote: ReviewVote = {
      action: input.action,
      rating: wanted.rating,
      version,
      by: input.reviewer,
      atMs: deps.clock(),
      note: await deps.texts.seal(
        { purpose: "review-note", subject: input.imageId },
        input.reason,
        image.rating,
      ),
    };
    const agreeing = others.filter(({ action, rating }) => action === vote.action && rating === vote.rating);
    const votes = [...agreeing, vote];
    const isDecided = votes.length >= wanted.reviewers;
    const revision = (standing?.revision ?? 0) + 1;
    const toVersion = isDecided && wanted.shelf !== null ? await nextNumber(image, deps) : undefined;
    if (toVersion === null) continue;
    const pending: ReviewDecision | null = isDecided
      ? {
          decisionId: `${input.imageId}~${revision}`,
          action: input.action,
          fromRating: image.rating,
          rating: wanted.rating,
          shelf: wanted.shelf,
          version,
          ...(toVersion !== undefined && { toVersion }),
          atMs: vote.atMs,
          votes,
        }
      : null;
    const written = await write(
      standing,
      {
        ...(standing ?? emptyReview(input.imageId, vote.atMs)),
        revision,
        pending,
        votes: isDecided ? [] : [...others, vote],
      },
      deps,
    );
    if (!written) continue;
    if (!isDecided) {
      await tellVote(input, vote, revision, deps);
      return { kind: "awaiting", image, reviewers: votes.map(({ by }) => by) };
    }
    await finishReview(input.imageId, deps);
    return { kind: "done", image: (await deps.images.get(input.imageId)) ?? image };
  }
  throw new AtelierError("StorageUnavailable", `The review of ${input.imageId} changes all the time.`);
}

/** Carries out what was decided about the image and is not done yet. True when there was something. */
export async function finishReview(imageId: string, deps: ReviewDeps): Promise<boolean> {
  const standing = await deps.reviews.get(imageId);
  const decision = standing?.pending;
  if (!standing || !decision) return false;
  const entry = {
    subject: imageId,
    kind: "reviewed",
    occasion: decision.decisionId,
    // Never the reasons: they are sealed, in the review itself.
    facts: {
      action: decision.action,
      fromRating: decision.fromRating,
      rating: decision.rating,
      version: decision.version,
      reviewer: decision.votes.map(({ by }) => by).join(", ") || "recognised",
    },
  } as const;
  await audited({ ...entry, phase: "intended" }, deps);
  await carryOut(imageId, decision, deps);
  await audited({ ...entry, phase: "done" }, deps);
  await deps.events.publish({
    id: eventIdOf(decision.decisionId),
    type: EVENT_TYPES[decision.action],
    atMs: decision.atMs,
    detail: { image_id: imageId, rating: decision.rating },
  });
  // When another process has done so meanwhile, the condition fails, which is as good.
  await deps.reviews.patch(imageId, {
    set: { pending: null, decided: [...standing.decided, decision], revision: standing.revision + 1 },
    when: [{ field: "revision", is: "equals", value: standing.revision }],
  });
  return true;
}

const EVENT_TYPES = {
  release: "image-released",
  reject: "image-removed",
  rate: "image-rated",
  unseal: "image-unsealed",
} as const satisfies Record<ReviewAction, EventType>;

/**
 * Carries out everything that was decided and interrupted. What cannot be finished now stands in nobody's way: the next round
 * tries it again.
 *
 * @param onFault told of each; left out: the first is thrown, once all have had their turn
 */
export async function finishReviews(deps: ReviewDeps, onFault?: (error: unknown) => void): Promise<string[]> {
  const finished: string[] = [];
  const faults: unknown[] = [];
  let cursor: string | null | undefined;
  do {
    const page = await deps.reviews.open({ limit: 100, ...(cursor ? { cursor } : {}) });
    for (const { imageId } of page.items) {
      try {
        if (await finishReview(imageId, deps)) finished.push(imageId);
      } catch (error) {
        faults.push(error);
        onFault?.(error);
      }
    }
    cursor = page.cursor;
  } while (cursor !== null);
  if (faults.length > 0 && onFault === undefined) throw faults[0];
  return finished;
}

/** What a picture shows at most, as far as anybody knows: what was asked for, or what was seen. */
export function ratingSeen({ rating, verdict }: Pick<Image, "rating" | "verdict">): Rating {
  if (!verdict?.rating) return rating;
  return higherRating(rating, verdict.rating === "explicit" ? "nudity" : verdict.rating);
}

interface Wanted {
  readonly rating: Rating;
  readonly shelf: ReviewDecision["shelf"];
  /** How many must say so. */
  readonly reviewers: 1 | 2;
}

/** What the decision would come to, or why there is none to be made. */
function wantedBy(input: ReviewInput, image: Image, deps: Pick<ReviewDeps, "isFourEyes">): Wanted {
  const { imageId, status } = image;
  const impossible = (why: string) => new AtelierError("UsageError", `${imageId} ${why}`);
  const forbidden = (rule: string, why: string) =>
    new AtelierError("PolicyRefused", `${imageId} ${why}`, { data: { rule } });
  if (!isTerminal(status) || image.version === null) {
    throw impossible(`is ${status}: there is no picture to decide about.`);
  }
  if (image.erasedAtMs !== undefined) throw impossible("was erased: there is no picture to decide about.");
  const isSealed = image.verdict?.sealed === true;
  const seen = ratingSeen(image);
  if (input.action === "reject") return { rating: image.rating, shelf: null, reviewers: 1 };
  if (status !== "quarantined" && !(status === "completed" && input.action === "rate")) {
    throw status === "rejected"
      ? forbidden("rejected", "was rejected, which is final; `atelier review reject` removes its files.")
      : impossible(`is ${status}; ${input.action} is for pictures in quarantine.`);
  }
  if (isSealed !== (input.action === "unseal")) {
    if (!isSealed) throw impossible("is not sealed.");
    throw forbidden(
      "sealed",
      "is sealed, because it may show a minor: remove it with `atelier review reject`. Only two reviewers together can unseal it.",
    );
  }
  const rating = input.action === "rate" ? input.rating : seen;
  if (rating === undefined)
    throw new AtelierError("UsageError", "A rating is missing; give one with --rating.");
  const isRise = ratingRank(rating) > ratingRank(seen);
  if (input.reason.trim() === "" && !(input.action === "rate" && isRise)) {
    throw new AtelierError(
      "UsageError",
      `A reason is missing; say with --reason why ${imageId} may be seen.`,
    );
  }
  const isCareful = input.action === "rate" && isRise;
  const reviewers =
    input.action === "unseal" || (deps.isFourEyes && seen !== "general" && !isCareful) ? 2 : 1;
  const staysOut = status === "completed" && ratingRank(rating) <= ratingRank(image.rating);
  return { rating, reviewers, shelf: input.action === "release" || staysOut ? "content" : "quarantine" };
}

/** Whether the picture stands as the decision wants it: it was made, perhaps by a run whose answer was lost. */
function isDone(image: Image, input: ReviewInput, standing: Review | undefined): boolean {
  switch (input.action) {
    case "reject":
      return image.status === "rejected" && image.manifestKey === null;
    case "release":
      return image.status === "completed";
    case "rate":
      return image.rating === input.rating && image.verdict?.rating === input.rating;
    case "unseal":
      return standing?.decided.at(-1)?.action === "unseal" && image.verdict?.sealed === false;
  }
}

/** The removal of a picture that looks like one that was removed; whoever finishes reviews does it. Idempotent. */
export async function openRemoval(
  image: Image,
  { reviews }: { readonly reviews: Pick<Reviews, "putIfAbsent"> },
): Promise<void> {
  const { imageId, rating } = image;
  const atMs = image.finishedAtMs ?? image.createdAtMs;
  await reviews.putIfAbsent({
    ...emptyReview(imageId, atMs),
    revision: 1,
    pending: {
      decisionId: `${imageId}~1`,
      action: "reject",
      fromRating: rating,
      rating,
      shelf: null,
      version: baseVersionOf(image),
      atMs,
      votes: [],
    },
  });
}

function emptyReview(imageId: string, createdAtMs: number): Omit<Review, "revision"> {
  return { imageId, createdAtMs, votes: [], pending: null, decided: [] };
}

/** False when somebody else was quicker. */
async function write(
  standing: Review | undefined,
  next: Review,
  { reviews }: Pick<ReviewDeps, "reviews">,
): Promise<boolean> {
  if (!standing) return reviews.putIfAbsent(next);
  const { revision, votes, pending } = next;
  const patched = await reviews.patch(next.imageId, {
    set: { revision, votes, pending },
    when: [{ field: "revision", is: "equals", value: standing.revision }],
  });
  return patched.ok;
}

async function tellVote(
  { imageId, action }: ReviewInput,
  vote: ReviewVote,
  revision: number,
  deps: ReviewDeps,
): Promise<void> {
  await audited(
    {
      subject: imageId,
      kind: "reviewed",
      phase: "intended",
      occasion: `vote ${revision}`,
      facts: { action, rating: vote.rating, version: vote.version, reviewer: vote.by },
    },
    deps,
  );
}
