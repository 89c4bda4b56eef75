/**
 * @module Rekognition as the classifier: moderation labels and faces of one small JPEG, two calls a picture. Needs
 * rekognition:DetectModerationLabels and rekognition:DetectFaces.
 */

import type { Classification, Classifier, Thresholds } from "@atelier/core/classifier";
import type { FaceEstimate, RatingScores } from "@atelier/core/image";
import { DEFAULT_THRESHOLDS } from "@atelier/core/verdict";
import {
  DetectFacesCommand,
  DetectModerationLabelsCommand,
  RekognitionClient,
} from "@aws-sdk/client-rekognition";
import * as z from "zod";

/** Longest edge of what is sent. */
const PROXY_EDGE_PIXELS = 1024;
/** The limit of Rekognition for bytes in a request. */
const IMAGE_BYTES_MAX = 5 * 1024 * 1024;
/** In percent: half of what holds a picture back, so that near misses stand in the verdict. Left out it would be 50. */
const CONFIDENCE_MIN = 20;

type Score = keyof RatingScores;

/** The deepest level of the taxonomy. */
const LEVELS_MAX = 3;

/**
 * Labels of the taxonomy 7 by what they mean here; one that is not listed means what its nearest listed ancestor does, and
 * without one `other`: a label that we do not know is nothing to release a picture by.
 */
const MEANINGS: ReadonlyMap<string, Score | null> = new Map<string, Score | null>([
  ["Explicit", "explicit"],
  // Rekognition's explicit begins with nudity that a rating of ours allows.
  ["Explicit Nudity", "nudity"],
  ["Non-Explicit Nudity of Intimate parts and Kissing", "suggestive"],
  ["Implied Nudity", "nudity"],
  ["Obstructed Intimate Parts", "nudity"],
  ["Swimwear or Underwear", "suggestive"],
  ["Violence", "other"],
  ["Visually Disturbing", "other"],
  ["Drugs & Tobacco", "other"],
  ["Hate Symbols", "other"],
  ["Alcohol", null],
  ["Rude Gestures", null],
  ["Gambling", null],
]);

const percent = z
  .number()
  .min(0)
  .max(100)
  .transform((value) => value / 100);

const labelsSchema = z.object({
  ModerationModelVersion: z.string().min(1),
  ModerationLabels: z.array(
    z.object({ Name: z.string().min(1), ParentName: z.string(), Confidence: percent }),
  ),
});
type Label = z.infer<typeof labelsSchema>["ModerationLabels"][number];

const facesSchema = z.object({
  FaceDetails: z.array(
    z.object({ Confidence: percent, AgeRange: z.object({ Low: z.number(), High: z.number() }) }),
  ),
});

/** Region, credentials and endpoint come from the environment of the function, as the SDK reads it. */
export function connectRekognition(deps: { readonly onFault?: (error: unknown) => void } = {}): Classifier {
  const client = new RekognitionClient({
    requestHandler: { connectionTimeout: 3_000, requestTimeout: 10_000, throwOnRequestTimeout: true },
  });
  return createRekognitionClassifier({ ...deps, client });
}

/**
 * @param deps.thresholds default as for every classifier; confidences count as scores, the lower end of an age range as
 * the age
 * @param deps.onFault told of what failed, beyond what a verdict may say. Default: nobody
 */
export function createRekognitionClassifier(deps: {
  readonly client: RekognitionClient;
  readonly thresholds?: Thresholds;
  readonly onFault?: (error: unknown) => void;
}): Classifier {
  const { client, thresholds = DEFAULT_THRESHOLDS, onFault } = deps;

  async function measure(jpeg: Uint8Array): Promise<Classification> {
    const Image = { Bytes: jpeg };
    const [moderation, faces] = await Promise.all([
      client.send(new DetectModerationLabelsCommand({ Image, MinConfidence: CONFIDENCE_MIN })),
      client.send(new DetectFacesCommand({ Image, Attributes: ["AGE_RANGE"] })),
    ]);
    const { ModerationLabels, ModerationModelVersion } = labelsSchema.parse(moderation);
    return {
      kind: "measured",
      scores: scoresOf(ModerationLabels),
      tellsExplicit: true,
      faces: facesSchema
        .parse(faces)
        .FaceDetails.map(
          ({ Confidence, AgeRange }): FaceEstimate => ({ score: Confidence, ageYears: AgeRange.Low }),
        ),
      version: ModerationModelVersion,
    };
  }

  return {
    name: "Rekognition",
    thresholds,
    async classify(picture) {
      try {
        const jpeg = await picture.proxyJpeg(PROXY_EDGE_PIXELS);
        if (jpeg.length > IMAGE_BYTES_MAX) {
          return {
            kind: "failed",
            reason: `its JPEG has ${jpeg.length} bytes, at most ${IMAGE_BYTES_MAX} are taken`,
          };
        }
        return await measure(jpeg);
      } catch (error) {
        onFault?.(error);
        // The message may name accounts and roles.
        return { kind: "failed", reason: error instanceof Error ? error.name : "unknown" };
      }
    },
  };
}

/** The highest confidence for each meaning; what is explicit counts as nudity too, and nudity as suggestive. */
function scoresOf(labels: readonly Label[]): RatingScores {
  const parents = new Map(labels.map((label) => [label.Name, label.ParentName]));
  const told = labels.filter((label) => !isToldByNudity(label, labels));
  const highest = (...meanings: Score[]) =>
    Math.max(
      0,
      ...told
        .filter(({ Name }) => meanings.some((meaning) => meaning === meaningOf(Name, parents)))
        .map(({ Confidence }) => Confidence),
    );
  return {
    suggestive: highest("suggestive", "nudity", "explicit"),
    nudity: highest("nudity", "explicit"),
    explicit: highest("explicit"),
    other: highest("other"),
  };
}

/** A parent repeats the confidence of its child: an "Explicit" that is no more than its nudity is not explicit. */
function isToldByNudity({ Name, Confidence }: Label, labels: readonly Label[]): boolean {
  return (
    Name === "Explicit" &&
    labels.some((other) => other.Name === "Explicit Nudity" && other.Confidence >= Confidence)
  );
}

function meaningOf(label: string, parents: ReadonlyMap<string, string>): Score | null {
  let name = label;
  for (let level = 0; level < LEVELS_MAX; level++) {
    const meaning = MEANINGS.get(name);
    if (meaning !== undefined) return meaning;
    name = parents.get(name) ?? "";
  }
  return "other";
}
