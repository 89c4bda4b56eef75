/** @module The desk of a reviewer: what waits for a person, what was decided, and callers who are held back. */
import { AtelierError } from "./errors.ts";
import type { Image, ImageStatus } from "./image.ts";
import { all } from "./pages.ts";
import type { Images, Page, TextVault } from "./ports.ts";
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

/**
 * Suspected minors first, then what is urgent, then the oldest.
 *
 * @param page.cursor as the page before gave it; what was decided meanwhile is left out
 * @throws AtelierError `UsageError` for a cursor that is none
 */
export async function waitingReviews(
  page: { readonly limit: number; readonly cursor?: string | undefined },
  deps: Reading,
): Promise<Page<ReviewDocument>> {
  const quarantined = await listed("quarantined", deps);
  // What a classifier rejected lies there until somebody removes it.
  const rejected = (await listed("rejected", deps)).filter(({ manifestKey }) => manifestKey !== null);
  const after = page.cursor ?? "";
  if (after !== "" && !PLACE.test(after)) {
    throw new AtelierError("UsageError", "The cursor is not one that the list gave out; start without one.");
  }
  const waiting = [...quarantined, ...rejected]
    .map((image) => ({ image, place: placeOf(image) }))
    .filter(({ place }) => place > after)
    .sort((one, other) => (one.place < other.place ? -1 : 1));
  const shown = waiting.slice(0, page.limit);
  return {
    items: await Promise.all(
      shown.map(async ({ image }) => reviewDocument(image, await deps.reviews.get(image.imageId))),
    ),
    cursor: waiting.length > shown.length ? (shown.at(-1)?.place ?? null) : null,
  };
}

/** Urgency, time, id: in the order of their characters. */
const PLACE = /^[012]-\d{15}-[A-Za-z0-9_-]{1,100}$/;

function placeOf({ verdict, createdAtMs, imageId }: Image): string {
  const urgency = verdict?.sealed ? 0 : verdict?.priority ? 1 : 2;
  return `${urgency}-${String(createdAtMs).padStart(15, "0")}-${imageId}`;
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
    // Of an erased picture only the record is left.
    if (image.erasedAtMs === undefined && found.push(image) >= LISTED_MAX) break;
  }
  return found;
}
