/** @module Whether a picture may go out. Fails closed: nothing but a good reason releases it. */
import type { Rating } from "./catalogue.ts";
import { ratingRank } from "./catalogue.ts";
import type { Verdict } from "./image.ts";
import type { Classifier, OpenPicture } from "./ports.ts";

export interface VerdictDeps {
  /** Absent until classifiers exist: then everything that a real provider made waits for a person. */
  readonly classifier?: Classifier | undefined;
  /** The key of the sandbox's mark; null where no sandbox runs. */
  readonly sandboxKey: Uint8Array | null;
}

/** A sandbox picture is believed by the mark over its pixels, not by the name of its provider. */
export async function judgePicture(
  picture: OpenPicture,
  expected: Rating,
  deps: VerdictDeps,
): Promise<Verdict> {
  if (deps.sandboxKey && picture.markedBy(deps.sandboxKey)) {
    return {
      decision: "released",
      basis: "sandbox-mark",
      rating: "general",
      reason: "A placeholder that our own sandbox drew.",
    };
  }
  if (!deps.classifier)
    return held("no-classifier", "No classifier is installed; a person has to look at it.");
  try {
    const said = await deps.classifier.classify(picture, expected);
    if (said.decision === "reject" || said.rating === "explicit") {
      return { decision: "rejected", basis: "classifier", rating: said.rating, reason: said.reason };
    }
    if (said.decision === "release" && ratingRank(said.rating) <= ratingRank(expected)) {
      return { decision: "released", basis: "classifier", rating: said.rating, reason: said.reason };
    }
    return { decision: "quarantined", basis: "classifier", rating: said.rating, reason: said.reason };
  } catch (error) {
    return held(
      "classifier",
      `The classifier failed (${error instanceof Error ? error.name : "unknown"}); a person has to look at it.`,
    );
  }
}

function held(basis: Verdict["basis"], reason: string): Verdict {
  return { decision: "quarantined", basis, rating: null, reason };
}
