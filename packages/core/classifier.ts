/** @module The port of whatever looks at pictures: embedded models, or a service. */
import type { FaceEstimate, RatingScores } from "./image.ts";
import type { OpenPicture } from "./pictures.ts";

/**
 * Looks at a picture and says what it sees; `verdict.ts` decides. What cannot be measured is `failed`; whatever is
 * thrown, or is not as below, counts as that.
 */
export interface Classifier {
  /** Models and versions, kept with each verdict. */
  readonly name: string;
  /** What this classifier's numbers are judged by, kept with each verdict: other models count differently. */
  readonly thresholds: Thresholds;
  classify(picture: OpenPicture): Promise<Classification>;
}
export type Classification =
  | {
      readonly kind: "measured";
      readonly scores: RatingScores;
      /** False: its `explicit` cannot be told from nudity, so that it proves neither. */
      readonly tellsExplicit: boolean;
      /** Every face that was found; empty when there was none. */
      readonly faces: readonly FaceEstimate[];
      /** What a service says it used, kept beside the classifier's name; left out where the name says all. */
      readonly version?: string;
    }
  /** One sentence for people. */
  | { readonly kind: "failed"; readonly reason: string };

/** Scores from 0 to 1, ages in years. `thresholdsSchema` (`verdict.ts`) says how far each may be moved. */
export interface Thresholds {
  /** A score of more than was asked for: from here a person decides. */
  readonly holdScore: number;
  /** From here that person is asked first. */
  readonly priorityScore: number;
  /** An explicit score from here on rejects. */
  readonly rejectScore: number;
  /** From here something counts as a face. */
  readonly faceScore: number;
  /** From here it is certain enough to reject by its age. */
  readonly certainFaceScore: number;
  /** Estimates below go to a person, in rated pictures. */
  readonly reviewAgeYears: number;
  /** Estimates below are suspected minors: sealed. */
  readonly sealAgeYears: number;
  /** Estimates below, on a certain face, look clearly young: rejected. */
  readonly youngAgeYears: number;
}
