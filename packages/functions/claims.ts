/** @module The function that the user pool calls before it makes a token. */
import { claimsOf } from "./claims-of.ts";
import { lambdaHandler } from "./runtime.ts";
import { attestations, openStores } from "./stores.ts";

export const handler = lambdaHandler("claims", claimsOf, (around) => ({
  ...around,
  ...openStores(around, { attestations }),
}));
