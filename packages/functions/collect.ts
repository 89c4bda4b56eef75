/** @module The function of `collect`. */
import { attemptInputSchema } from "@atelier/core/workflow/ownership";
import { collect } from "@atelier/core/workflow/steps/collect";
import { openBlobs } from "./installation.ts";
import { openFetcher, openProviders } from "./providers.ts";
import { stepHandler } from "./runtime.ts";
import { attempts, images, openStores } from "./stores.ts";

export const handler = stepHandler("collect", attemptInputSchema, collect, (around) => {
  const stores = { ...openStores(around, { images, attempts }), ...openBlobs() };
  return { ...around, ...stores, ...openProviders(around), ...openFetcher() };
});
