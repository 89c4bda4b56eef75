/** @module The function by which operators attest that a viewer is an adult. */
import { giveWord, wordSchema } from "./give-word.ts";
import { stepHandler } from "./runtime.ts";
import { attestations, audit, openStores } from "./stores.ts";

export const handler = stepHandler("attest", wordSchema, giveWord, (around) => ({
  ...around,
  ...openStores(around, { attestations, audit }),
}));
