/** @module The function that the schedule calls each minute. */
import { openCatalogue } from "./catalogue.ts";
import { openLimits } from "./installation.ts";
import { openFetcher, openProviders } from "./providers.ts";
import { reconcileAndReport } from "./reconcile-report.ts";
import { lambdaHandler } from "./runtime.ts";
import { openBlobs, openStores } from "./stores.ts";
import { openWorkflow } from "./workflow.ts";

export const handler = lambdaHandler("reconcile", reconcileAndReport, (around) => {
  const stores = openStores(around, "images", "attempts", "requests", "ledger", "audit", "events");
  const known = { ...around, ...openCatalogue(around), ...openLimits() };
  const services = { ...openProviders(known), ...openFetcher(), ...openBlobs(), ...openWorkflow(around) };
  return { ...known, ...stores, ...services };
});
