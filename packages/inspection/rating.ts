/** @module What a picture shows, by nsfwjs's MobileNetV2: five probabilities, turned into the scores of core. */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { RatingScores } from "@atelier/core/image";
import type { PictureTensor } from "./tensors.ts";

const require = createRequire(import.meta.url);

export const RATING_MODEL = "nsfwjs 4.4.0 MobileNetV2";

/** The edge of what the model looks at, in pixels. nsfwjs scales to it itself, without averaging. */
const INPUT_PIXELS = 224;

export const CLASS_NAMES = ["Drawing", "Hentai", "Neutral", "Porn", "Sexy"] as const;
export type ClassProbabilities = Readonly<Record<(typeof CLASS_NAMES)[number], number>>;

/** How far five probabilities in single precision may be from one. */
const SUM_TOLERANCE = 0.001;

type Nsfw = typeof import("nsfwjs/core");
type IoHandler = Exclude<ConstructorParameters<Nsfw["NSFWJS"]>[0], string>;
type ModelArtifacts = Awaited<ReturnType<NonNullable<IoHandler["load"]>>>;

/** @returns a function from the whole picture, unscaled, to its scores; it throws Error when the model gives nonsense */
export async function loadRating(): Promise<(picture: PictureTensor) => Promise<RatingScores>> {
  const { NSFWJS } = require("nsfwjs/core") as Nsfw;
  const model = new NSFWJS({ load: async () => readModel() }, { size: INPUT_PIXELS });
  await model.load();
  return async (picture) => {
    const classes = await model.classify(picture, CLASS_NAMES.length);
    return scoresOf(
      Object.fromEntries(classes.map(({ className, probability }) => [className, probability])),
    );
  };
}

/**
 * The model's own loader is not used: it copies the text of the weights character by character, which takes six seconds and
 * 700 MB, and says something on stdout. The files are the same.
 */
function readModel(): ModelArtifacts {
  const folder = join(dirname(require.resolve("nsfwjs/core")), "..", "models", "mobilenet_v2");
  const model = require(join(folder, "model.min.js")) as ModelArtifacts & {
    weightsManifest: { weights: NonNullable<ModelArtifacts["weightSpecs"]> }[];
  };
  const weights = Buffer.from(require(join(folder, "group1-shard1of1.min.js")) as string, "base64");
  return {
    modelTopology: model.modelTopology,
    weightSpecs: model.weightsManifest.flatMap((group) => group.weights),
    weightData: new Uint8Array(weights).buffer,
  };
}

/**
 * `Porn` and `Hentai` hold nudity as well as explicit acts, so both scores are their sum. It is uncalibrated: no picture
 * that should be found was ever shown to the model here.
 *
 * @throws Error when a class is missing, or the numbers are no probabilities of five classes
 */
export function scoresOf(classes: Partial<ClassProbabilities>): RatingScores {
  const probabilities = CLASS_NAMES.map((name) => classes[name] ?? Number.NaN);
  const sum = probabilities.reduce((one, other) => one + other, 0);
  // Not "less than" and "greater than": NaN is never within anything.
  if (!(probabilities.every((one) => one >= 0) && Math.abs(sum - 1) <= SUM_TOLERANCE)) {
    throw new Error("The rating model's numbers are no probabilities.");
  }
  const { Hentai = 0, Porn = 0, Sexy = 0 } = classes;
  const nudity = rounded(Porn + Hentai);
  return { suggestive: rounded(Porn + Hentai + Sexy), nudity, explicit: nudity, other: 0 };
}

/** Four digits, and never above one for a sum in single precision. */
function rounded(probability: number): number {
  return Math.min(1, Math.round(probability * 10_000) / 10_000);
}
