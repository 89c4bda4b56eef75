/** @module The function of `plan`. */
import { plan, planInputSchema } from "@atelier/core/workflow/steps/plan";
import { openCatalogue } from "./catalogue.ts";
import { openPromptKey } from "./installation.ts";
import { stepHandler } from "./runtime.ts";
import { attempts, audit, images, openStores, requests } from "./stores.ts";
import { vault } from "./vault.ts";
import { openWorkflow } from "./workflow.ts";

export const handler = stepHandler("plan", planInputSchema, plan, (around) => {
  const { catalogue, provider } = openCatalogue(around);
  const stores = openStores(around, { images, attempts, requests, vault, audit });
  const { workflow } = openWorkflow(around);
  return { ...around, ...stores, workflow, catalogue, providerForOccurrences: provider, ...openPromptKey() };
});
