/**
 * @module What people decide about pictures: let out, remove, rate, unseal. A decision is written first, whole; what follows
 * from it (`review-files.ts`) may be killed anywhere and is carried on by whoever comes next.
 */
import * as z from "zod";
import { audited } from "./audit.ts";
import { type Rating, ratingSchema } from "./catalogue.ts";
import { AtelierError } from "./errors.ts";
import type { EventType } from "./events.ts";
import { eventIdOf } from "./ids.ts";
import type { Image } from "./image.ts";
import { all } from "./pages.ts";
import type { Page, Records, TextVault } from "./ports.ts";
import { type CarryOutDeps, carryOut } from "./review-files.ts";
import { isDone, wantedBy } from "./review-wanted.ts";
import { startTurns } from "./turns.ts";
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
 * @param onFault told of each; left out: what failed is thrown, once all have had their turn
 */
export async function finishReviews(deps: ReviewDeps, onFault?: (error: unknown) => void): Promise<string[]> {
  const finished: string[] = [];
  const turns = startTurns();
  try {
    for await (const { imageId } of all((page) => deps.reviews.open(page))) {
      await turns.give(imageId, async () => {
        if (await finishReview(imageId, deps)) finished.push(imageId);
      });
    }
  } finally {
    // Even where the list breaks off.
    if (onFault) turns.failures.forEach(onFault);
  }
  if (!onFault) turns.end();
  return finished;
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
