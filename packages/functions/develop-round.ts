/** @module What is done each minute where sharp is: decisions of reviewers that were left unfinished are carried out, and versions made. */
import { finishReviews, type ReviewDeps } from "@atelier/core/review";
import { allInTurn } from "@atelier/core/turns";
import { makeVersions } from "./make-versions.ts";
import { NO_TEXTS } from "./no-texts.ts";
import type { Invocation } from "./runtime.ts";

type Made = Awaited<ReturnType<typeof makeVersions>>;

/**
 * Decisions come first: a version of a picture that somebody removed is not made. A failing one does not hold up the versions.
 *
 * @throws AtelierError what failed, so that Lambda counts an error; the next minute tries again
 */
export async function developRound(
  event: unknown,
  deps: Omit<ReviewDeps, "texts" | "isFourEyes"> & Parameters<typeof makeVersions>[1],
  invocation: Invocation,
): Promise<Made & { readonly reviews: number }> {
  const { reviews, versions } = await allInTurn({
    // Whoever finishes a decision neither makes one nor reads why it was made.
    reviews: () => finishReviews({ ...deps, texts: NO_TEXTS, isFourEyes: false }),
    versions: () => makeVersions(event, deps, invocation),
  });
  if (reviews.length > 0) deps.telemetry.info("reviews", { finished: reviews });
  return { ...versions, reviews: reviews.length };
}
