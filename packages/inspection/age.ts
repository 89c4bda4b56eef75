/**
 * @module Faces and the ages that they look like, by face-api: SSD for the faces, landmarks to straighten them, then the age.
 * The same adult came out between 19 and 30, so an estimate is a reason to look, never one not to.
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { FaceEstimate } from "@atelier/core/image";
import type { PictureTensor } from "./tensors.ts";

const require = createRequire(import.meta.url);

export const FACE_MODEL = "face-api 1.7.15 SSD";

/** As many as a verdict takes. */
const FACES_MAX = 100;

/** What is used of it. Its own types hold a copy of TensorFlow's, which do not fit the real ones. */
interface FaceApi {
  readonly nets: Readonly<
    Record<
      "ssdMobilenetv1" | "faceLandmark68Net" | "ageGenderNet",
      { loadFromDisk(folder: string): Promise<void> }
    >
  >;
  readonly SsdMobilenetv1Options: new (options: { minConfidence: number; maxResults: number }) => object;
  detectAllFaces(
    picture: PictureTensor,
    options: object,
  ): {
    withFaceLandmarks(): {
      withAgeAndGender(): PromiseLike<readonly { age: number; detection: { score: number } }[]>;
    };
  };
}

/**
 * @param scoreMin 0 to 1: less certain faces are left out
 * @returns a function from the whole picture to its faces, the most certain first
 */
export async function loadAge(
  scoreMin: number,
): Promise<(picture: PictureTensor) => Promise<FaceEstimate[]>> {
  const faceApi = require("@vladmandic/face-api/dist/face-api.node-wasm.js") as FaceApi;
  const folder = join(dirname(require.resolve("@vladmandic/face-api/package.json")), "model");
  const { ssdMobilenetv1, faceLandmark68Net, ageGenderNet } = faceApi.nets;
  for (const net of [ssdMobilenetv1, faceLandmark68Net, ageGenderNet]) await net.loadFromDisk(folder);
  const options = new faceApi.SsdMobilenetv1Options({ minConfidence: scoreMin, maxResults: FACES_MAX });
  return async (picture) => {
    const found = await faceApi.detectAllFaces(picture, options).withFaceLandmarks().withAgeAndGender();
    return found.map(({ age, detection }) => ({
      score: rounded(detection.score),
      // The scale begins a little below zero; what is no number stays none.
      ageYears: rounded(Math.max(0, age)),
    }));
  };
}

/** Four digits. */
function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
