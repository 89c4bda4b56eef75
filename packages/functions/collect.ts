/** @module The function of `collect`. */
import { attemptInputSchema } from "@atelier/core/workflow/ownership";
import { collect } from "@atelier/core/workflow/steps/collect";
import { openCatalogue } from "./catalogue.ts";
import { openFetcher, openProviders } from "./providers.ts";
import { stepHandler } from "./runtime.ts";
import { openBlobs, openStores } from "./stores.ts";

export const handler = stepHandler("collect", attemptInputSchema, collect, (around) => {
  const known = { ...around, ...openCatalogue(around) };
  const stores = { ...openStores(around, "images", "attempts"), ...openBlobs() };
  return { ...known, ...stores, ...openProviders(known), ...openFetcher() };
});
