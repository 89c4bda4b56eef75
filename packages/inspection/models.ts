/** @module Both models over one picture. They run where this is called, and block it: see `thread.ts`. */
import type { Classification } from "@atelier/core/classifier";
import { loadAge } from "./age.ts";
import { loadRating } from "./rating.ts";
import { loadTensorFlow, type Pixels, tensorOf } from "./tensors.ts";

export interface Models {
  classify(picture: Pixels): Promise<Extract<Classification, { kind: "measured" }>>;
  /** How many tensors exist: the weights, and whatever was not disposed of. */
  tensors(): number;
}

/**
 * Everything is read from the installed packages; nothing is fetched.
 *
 * @param options.faceScoreMin 0 to 1: less certain faces are left out
 */
export async function loadModels(options: { readonly faceScoreMin: number }): Promise<Models> {
  const tf = await loadTensorFlow();
  const [rate, findFaces] = [await loadRating(), await loadAge(options.faceScoreMin)];
  return {
    async classify(picture) {
      if (picture.pixels.length !== picture.width * picture.height * 3) {
        throw new RangeError("The pixels do not fit the picture's size.");
      }
      const tensor = tensorOf(tf, picture);
      try {
        return {
          kind: "measured",
          scores: await rate(tensor),
          tellsExplicit: false,
          faces: await findFaces(tensor),
        };
      } finally {
        tensor.dispose();
      }
    },
    tensors: () => tf.memory().numTensors,
  };
}
