/**
 * @module Whether a picture may go out. Fails closed: it is released only when every number is there and makes sense, and
 * nothing speaks against it. A score or an age may hold a picture back; alone it clears none.
 */
import * as z from "zod";
import { ADULT_AGE, type Model, type Rating, ratingRank } from "./catalogue.ts";
import type { Classification, Classifier, Thresholds } from "./classifier.ts";
import { type FaceEstimate, faceEstimateSchema, ratingScoresSchema, type Verdict } from "./image.ts";
import type { OpenPicture } from "./pictures.ts";

const share = (max: number) => z.number().positive().max(max);
const ageYears = (min: number) => z.number().min(min).max(100);

/**
 * How far thresholds may be moved: towards more caution, never less. The ends are the measured starting values
 * (docs/decisions/0017-what-the-classifiers-decide.md), which are uncalibrated.
 */
export const thresholdsSchema = z
  .strictObject({
    holdScore: share(0.4),
    priorityScore: share(0.85),
    rejectScore: share(0.98),
    faceScore: share(0.5),
    certainFaceScore: share(0.95),
    reviewAgeYears: ageYears(25),
    sealAgeYears: ageYears(ADULT_AGE),
    youngAgeYears: ageYears(15),
  })
  .refine((one) => one.holdScore <= one.priorityScore && one.holdScore <= one.rejectScore, {
    message: "holdScore must be the lowest of the three scores",
  })
  .refine((one) => one.youngAgeYears <= one.sealAgeYears && one.sealAgeYears <= one.reviewAgeYears, {
    message: "the ages must rise from youngAgeYears over sealAgeYears to reviewAgeYears",
  }) satisfies z.ZodType<Thresholds>;

/** The ends of the schema: no less careful than this. */
export const DEFAULT_THRESHOLDS: Thresholds = {
  holdScore: 0.4,
  priorityScore: 0.85,
  rejectScore: 0.98,
  faceScore: 0.5,
  certainFaceScore: 0.95,
  reviewAgeYears: 25,
  sealAgeYears: ADULT_AGE,
  youngAgeYears: 15,
};

/** A picture has a hundred faces at most for either classifier. */
const FACES_MAX = 100;

const classificationSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("measured"),
    scores: ratingScoresSchema
      .strict()
      .refine((scores) => scores.suggestive >= scores.nudity && scores.nudity >= scores.explicit, {
        message: "what is explicit is nudity, and what is nudity is suggestive",
      }),
    tellsExplicit: z.boolean(),
    faces: z.array(faceEstimateSchema.strict()).max(FACES_MAX),
    version: z.string().min(1).max(100).optional(),
  }),
  z.strictObject({ kind: z.literal("failed"), reason: z.string() }),
]) satisfies z.ZodType<Classification>;
type Measured = Extract<z.infer<typeof classificationSchema>, { kind: "measured" }>;

/** What the picture was made for, and by whom. */
export interface Circumstances {
  /** The effective rating of what was asked for. */
  readonly rating: Rating;
  /** Whether the provider's own filter is known to have looked at it. */
  readonly providerFilters: boolean;
}

export interface VerdictDeps {
  /** Absent or null where none is installed: then everything that a real provider made waits for a person. */
  readonly classifier?: Classifier | null | undefined;
  /** The key of the sandbox's mark; null where no sandbox runs. */
  readonly sandboxKey: Uint8Array | null;
}

/** A sandbox picture is believed by the mark over its pixels, not by the name of its provider. Never throws for a classifier. */
export async function judgePicture(
  picture: OpenPicture,
  circumstances: Circumstances,
  deps: VerdictDeps,
): Promise<Verdict> {
  const { classifier, sandboxKey } = deps;
  if (sandboxKey && picture.markedBy(sandboxKey)) {
    return verdict("released", "sandbox-mark", "A placeholder that our own sandbox drew.", {
      rating: "general",
    });
  }
  if (!classifier) {
    return verdict("quarantined", "no-classifier", "No classifier is installed; a person has to look at it.");
  }
  try {
    const said = await classifier.classify(picture);
    return decideVerdict(said, { name: classifier.name, thresholds: classifier.thresholds }, circumstances);
  } catch (error) {
    // Its message may hold anything; its name does not.
    return unmeasured(`failed (${error instanceof Error ? error.name : "unknown"})`);
  }
}

/**
 * The decision alone, from measurements: pure, and of everything that a classifier may return, whatever its type says.
 *
 * @param said a `Classification`, or nonsense
 * @param by the classifier's name and thresholds; thresholds that are nonsense, or too lax, count as a failure
 */
export function decideVerdict(
  said: unknown,
  by: { readonly name: string; readonly thresholds: unknown },
  circumstances: Circumstances,
): Verdict {
  const thresholds = thresholdsSchema.safeParse(by.thresholds);
  if (!thresholds.success)
    return unmeasured(`has thresholds that cannot be used (${problemOf(thresholds.error)})`);
  const parsed = classificationSchema.safeParse(said);
  if (!parsed.success)
    return unmeasured(`returned what cannot be a measurement (${problemOf(parsed.error)})`);
  if (parsed.data.kind === "failed") return unmeasured(`failed (${parsed.data.reason})`);
  const { version } = parsed.data;
  const classifier = version === undefined ? by.name : `${by.name} ${version}`;
  return decideMeasured(parsed.data, classifier, thresholds.data, circumstances);
}

function decideMeasured(
  measured: Measured,
  classifier: string,
  thresholds: Thresholds,
  circumstances: Circumstances,
): Verdict {
  const { scores, tellsExplicit } = measured;
  const seen = ratingSeen(measured, thresholds.holdScore);
  const faces = measured.faces.filter((face) => face.score >= thresholds.faceScore);
  // A general prompt that came out rated is a rated picture.
  const isRated = circumstances.rating !== "general" || seen !== "general";
  const below = (ageYears: number) => (face: FaceEstimate) => isRated && face.ageYears < ageYears;
  const looksYoung = faces
    .filter((face) => face.score >= thresholds.certainFaceScore)
    .some(below(thresholds.youngAgeYears));
  const beyond = Math.max(scores.other, scoreAbove(scores, circumstances.rating));
  const evidence = {
    rating: seen,
    sealed: faces.some(below(thresholds.sealAgeYears)),
    classifier,
    scores,
    faces: measured.faces,
    thresholds: { ...thresholds },
  };

  if (looksYoung) {
    return verdict("rejected", "classifier", "A face in a rated picture looks clearly young.", {
      ...evidence,
      priority: true,
    });
  }
  // A classifier that takes nudity for explicit proves nothing where nudity was asked for: a person decides.
  if (scores.explicit >= thresholds.rejectScore && (tellsExplicit || circumstances.rating !== "nudity")) {
    return verdict("rejected", "classifier", `It is explicit (${scoreText(scores.explicit)}).`, {
      ...evidence,
      rating: "explicit",
      priority: evidence.sealed,
    });
  }
  const doubts = [
    scoreAbove(scores, circumstances.rating) >= thresholds.holdScore &&
      `it may show more than ${circumstances.rating} (${scoreText(scoreAbove(scores, circumstances.rating))})`,
    scores.other >= thresholds.holdScore && `it may show violence or the like (${scoreText(scores.other)})`,
    faces.some(below(thresholds.reviewAgeYears)) &&
      `a face in a rated picture may be younger than ${thresholds.reviewAgeYears}`,
    !circumstances.providerFilters && "its provider is not known to have filtered it",
  ].filter((doubt) => doubt !== false);
  if (doubts.length > 0) {
    return verdict("quarantined", "classifier", `A person has to look at it: ${doubts.join("; ")}.`, {
      ...evidence,
      priority: evidence.sealed || beyond >= thresholds.priorityScore,
    });
  }
  return verdict(
    "released",
    "classifier",
    `Nothing speaks against it: no more than ${circumstances.rating} was seen, and no face that a person has to look at.`,
    evidence,
  );
}

/** The highest rating with a score that counts. */
function ratingSeen({ scores, tellsExplicit }: Measured, holdScore: number): Rating | "explicit" {
  if (tellsExplicit && scores.explicit >= holdScore) return "explicit";
  if (scores.nudity >= holdScore) return "nudity";
  return scores.suggestive >= holdScore ? "suggestive" : "general";
}

/** How likely the picture shows more than the rating; each score holds those after it. */
function scoreAbove(scores: Measured["scores"], rating: Rating): number {
  return [scores.suggestive, scores.nudity, scores.explicit][ratingRank(rating)] ?? 1;
}

/** True only for a model whose service is known to look at what it makes, and which was not told to leave that out. */
export function providerFilters(model: Pick<Model, "filtered" | "extras"> | undefined): boolean {
  return model?.filtered === true && !Object.hasOwn(model.extras, "disable_safety_checker");
}

function unmeasured(what: string): Verdict {
  return verdict("quarantined", "classifier", `The classifier ${what}; a person has to look at it.`);
}

function verdict(
  decision: Verdict["decision"],
  basis: Verdict["basis"],
  reason: string,
  more: Partial<Verdict> = {},
): Verdict {
  return {
    rating: null,
    sealed: false,
    priority: false,
    classifier: null,
    scores: null,
    faces: [],
    thresholds: null,
    ...more,
    decision,
    basis,
    reason,
  };
}

function scoreText(score: number): string {
  return score.toFixed(2);
}

/** Where the first thing is wrong; never the value, which may be anything. */
function problemOf(error: z.ZodError): string {
  const [issue] = error.issues;
  return issue && issue.path.length > 0 ? issue.path.map(String).join(".") : "its shape";
}
