/** @module The function that takes requests: checked as a whole, then started. */
import { openCatalogue, openRouting } from "./catalogue.ts";
import { openLimits, openPromptKey } from "./installation.ts";
import { stepHandler } from "./runtime.ts";
import { startEventSchema, startRequested } from "./start-request.ts";
import { audit, callers, ledger, openStores, requests } from "./stores.ts";
import { vault } from "./vault.ts";
import { openWorkflow } from "./workflow.ts";

export const handler = stepHandler("start", startEventSchema, startRequested, (around) => {
  const known = { ...openCatalogue(around), ...openWorkflow(around), ...openLimits(), ...openPromptKey() };
  const stores = openStores(around, { requests, ledger, vault, audit, callers });
  return { ...around, ...known, ...openRouting(known), ...stores };
});
