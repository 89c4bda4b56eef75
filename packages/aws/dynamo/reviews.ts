/** @module Reviews: by image, and those whose decision is being carried out; and the pictures that reviewers removed. */
import { type BlockedPictures, blockedPictureSchema } from "@atelier/core/picture-block";
import { type Review, type Reviews, reviewSchema } from "@atelier/core/review";
import type { Dynamo } from "./client.ts";
import { BLOCKED_PICTURES, OPEN_REVIEWS, reviewKey } from "./keys.ts";
import { createOpenRecords, type Kind, type Openness } from "./records.ts";
import { recordsOf } from "./small-records.ts";

const reviewKind: Kind<Review> & { open: Openness<Review> } = {
  name: "review",
  schema: reviewSchema,
  idOf: (review) => review.imageId,
  keyOf: reviewKey,
  fixed: ["imageId", "createdAtMs"],
  open: {
    hash: OPEN_REVIEWS,
    isOpen: (review) => review.pending !== null,
    // A decision that is written raises the revision as well, and `pending` cannot be compared.
    decidedBy: ["revision"],
    createdAtMs: (review) => review.createdAtMs,
  },
};

export function createReviews(dynamo: Dynamo): Reviews {
  return createOpenRecords(reviewKind, dynamo);
}

export function createBlockedPictures(dynamo: Dynamo): BlockedPictures {
  const records = recordsOf(
    { name: "blocked picture", schema: blockedPictureSchema.strip() },
    BLOCKED_PICTURES,
    dynamo,
  );
  return { add: (picture) => records.put(picture.imageId, picture), all: records.all };
}
