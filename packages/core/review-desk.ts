/** @module The desk of a reviewer: what waits for a person, what was decided, and callers who are held back. */
import { AtelierError } from "./errors.ts";
import type { Image, ImageStatus } from "./image.ts";
import { all } from "./pages.ts";
import type { Images, TextVault } from "./ports.ts";
import { type Callers, liftRestraint, type ProbingDeps } from "./probing.ts";
import { type ReviewDeps, type ReviewInput, type Reviews, review } from "./review.ts";
import {
  type CallerDocument,
  callerDocument,
  type ReviewDocument,
  reviewDocument,
  type ShownReviewDocument,
  shownReviewDocument,
} from "./review-document.ts";

interface Reading {
  readonly images: Pick<Images, "get" | "list">;
  readonly reviews: Pick<Reviews, "get">;
  readonly texts: TextVault;
}

export interface Decided {
  readonly image: ReviewDocument;
  /** True: noted, and another reviewer has to say the same. */
  readonly isAwaiting: boolean;
}

/** More than anybody looks at; what is beyond comes when these are decided. */
const LISTED_MAX = 1_000;

/** Suspected minors first, then what is urgent, then the oldest. */
export async function waitingReviews(limit: number, deps: Reading): Promise<ReviewDocument[]> {
  const quarantined = await listed("quarantined", deps);
  // What a classifier rejected lies there until somebody removes it.
  const rejected = (await listed("rejected", deps)).filter(({ manifestKey }) => manifestKey !== null);
  const urgency = (image: Image) => (image.verdict?.sealed ? 0 : image.verdict?.priority ? 1 : 2);
  const waiting = [...quarantined, ...rejected].sort(
    (one, other) => urgency(one) - urgency(other) || one.createdAtMs - other.createdAtMs,
  );
  return Promise.all(
    waiting
      .slice(0, limit)
      .map(async (image) => reviewDocument(image, await deps.reviews.get(image.imageId))),
  );
}

/** @throws AtelierError `UnknownName` */
export async function shownReview(imageId: string, deps: Reading): Promise<ShownReviewDocument> {
  const image = await deps.images.get(imageId);
  if (image) return shownReviewDocument(image, await deps.reviews.get(imageId), deps);
  throw new AtelierError(
    "UnknownName",
    `There is no image "${imageId}" here; \`atelier review list\` lists those that wait.`,
  );
}

/** @throws AtelierError as `review` */
export async function decideReview(input: ReviewInput, deps: ReviewDeps): Promise<Decided> {
  const outcome = await review(input, deps);
  const standing = await deps.reviews.get(input.imageId);
  return { image: reviewDocument(outcome.image, standing), isAwaiting: outcome.kind === "awaiting" };
}

/** Those whose refusals are remembered. */
export async function rememberedCallers(
  deps: Pick<ProbingDeps, "clock"> & { readonly callers: Pick<Callers, "all"> },
): Promise<CallerDocument[]> {
  return (await deps.callers.all()).map((record) => callerDocument(record, deps.clock()));
}

/** @throws AtelierError `UnknownName` for a caller who is not held back */
export async function liftCaller(
  lifting: { readonly caller: string; readonly by: string; readonly reason: string },
  deps: ProbingDeps,
): Promise<void> {
  if (await liftRestraint(lifting.caller, lifting, deps)) return;
  throw new AtelierError(
    "UnknownName",
    `${lifting.caller} is not held back; \`atelier review callers\` lists who is.`,
  );
}

async function listed(status: ImageStatus, { images }: Reading): Promise<Image[]> {
  const found: Image[] = [];
  for await (const image of all((page) => images.list({ status }, page))) {
    if (found.push(image) >= LISTED_MAX) break;
  }
  return found;
}
