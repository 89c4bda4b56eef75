/** @module The function that the schedule calls each minute. */
import { openBlobs, openLimits } from "./installation.ts";
import { openFetcher, openProviders } from "./providers.ts";
import { reconcileAndReport } from "./reconcile-report.ts";
import { lambdaHandler } from "./runtime.ts";
import { attempts, audit, events, images, ledger, openStores, pacing, requests } from "./stores.ts";
import { openWorkflow } from "./workflow.ts";

export const handler = lambdaHandler("reconcile", reconcileAndReport, (around) => {
  const stores = openStores(around, { images, attempts, requests, ledger, audit, events, pacing });
  const services = { ...openProviders(around), ...openFetcher(), ...openBlobs(), ...openWorkflow(around) };
  return { ...around, ...stores, ...services, ...openLimits() };
});
