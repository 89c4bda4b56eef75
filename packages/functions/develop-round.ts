/** @module What is done each minute where sharp is: decisions of reviewers that were left unfinished are carried out, and versions made. */
import { finishReviews, type ReviewDeps } from "@atelier/core/review";
import { makeVersions } from "./make-versions.ts";
import type { Invocation } from "./runtime.ts";
import { NO_TEXTS } from "./stores.ts";

type Made = Awaited<ReturnType<typeof makeVersions>>;

/** Decisions come first: a version of a picture that somebody removed is not made. A failing one does not hold up the versions. */
export async function developRound(
  event: unknown,
  deps: Omit<ReviewDeps, "texts" | "isFourEyes"> & Parameters<typeof makeVersions>[1],
  invocation: Invocation,
): Promise<Made & { readonly reviews: number }> {
  // Whoever finishes a decision neither makes one nor reads why it was made.
  const finishing = finishReviews({ ...deps, texts: NO_TEXTS, isFourEyes: false });
  const [reviews] = await Promise.allSettled([finishing]);
  const made = await makeVersions(event, deps, invocation);
  // So that Lambda counts an error; the next minute tries again.
  if (reviews.status === "rejected") throw reviews.reason;
  if (reviews.value.length > 0) deps.telemetry.info("reviews", { finished: reviews.value });
  return { ...made, reviews: reviews.value.length };
}
