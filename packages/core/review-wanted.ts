/** @module What a decision of a reviewer would come to, by the picture as it stands. */
import { higherRating, type Rating, ratingRank } from "./catalogue.ts";
import { AtelierError } from "./errors.ts";
import { type Image, isTerminal } from "./image.ts";
import type { Review, ReviewDecision, ReviewDeps, ReviewInput } from "./review.ts";

/** What a picture shows at most, as far as anybody knows: what was asked for, or what was seen. */
export function ratingSeen({ rating, verdict }: Pick<Image, "rating" | "verdict">): Rating {
  if (!verdict?.rating) return rating;
  return higherRating(rating, verdict.rating === "explicit" ? "nudity" : verdict.rating);
}

export interface Wanted {
  readonly rating: Rating;
  readonly shelf: ReviewDecision["shelf"];
  /** How many must say so. */
  readonly reviewers: 1 | 2;
}

/** What the decision would come to, or why there is none to be made. */
export function wantedBy(input: ReviewInput, image: Image, deps: Pick<ReviewDeps, "isFourEyes">): Wanted {
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
export function isDone(image: Image, input: ReviewInput, standing: Review | undefined): boolean {
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
