/** @module The function of `generate`. */
import { generateInputSchema } from "@atelier/core/workflow/steps/generate";
import { generateAs } from "./generate-as.ts";
import { openBlobs, openWebhookAddresses } from "./installation.ts";
import { openProviders } from "./providers.ts";
import { stepHandler } from "./runtime.ts";
import { attempts, audit, images, openStores, pacing, requests, withTurns } from "./stores.ts";
import { vault } from "./vault.ts";
import { openWorkflow } from "./workflow.ts";

export const handler = stepHandler("generate", generateInputSchema, generateAs, (around) => {
  const known = { ...around, ...openProviders(around), ...openWebhookAddresses() };
  const stores = withTurns(known, openStores(around, { images, attempts, requests, vault, audit, pacing }));
  return { ...known, ...stores, ...openBlobs(), ...openWorkflow(around) };
});
