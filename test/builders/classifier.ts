/** @module A classifier that says what a test wants; by default that nothing speaks against a picture. */
import type { Classification, Classifier } from "@atelier/core/classifier";
import { DEFAULT_THRESHOLDS } from "@atelier/core/verdict";

export const NOTHING_SEEN: Extract<Classification, { kind: "measured" }> = {
  kind: "measured",
  scores: { suggestive: 0.01, nudity: 0, explicit: 0, other: 0 },
  tellsExplicit: true,
  faces: [],
};

export function classifierSaying(said: Partial<typeof NOTHING_SEEN> = {}): Classifier {
  return {
    name: "a test's",
    thresholds: DEFAULT_THRESHOLDS,
    classify: async () => ({ ...NOTHING_SEEN, ...said }),
  };
}
