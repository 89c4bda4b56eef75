/** @module The function of `generate`. */
import { generateInputSchema } from "@atelier/core/workflow/steps/generate";
import { openCatalogue } from "./catalogue.ts";
import { generateAs } from "./generate-as.ts";
import { openWebhookAddresses } from "./installation.ts";
import { openProviders } from "./providers.ts";
import { stepHandler } from "./runtime.ts";
import { openBlobs, openStores, withTurns } from "./stores.ts";
import { openWorkflow } from "./workflow.ts";

export const handler = stepHandler("generate", generateInputSchema, generateAs, (around) => {
  const known = { ...around, ...openCatalogue(around), ...openWebhookAddresses() };
  const stores = withTurns(known, openStores(around, "images", "attempts", "vault", "audit", "pacing"));
  return { ...known, ...stores, ...openProviders(known), ...openBlobs(), ...openWorkflow(around) };
});
