/** @module The function behind the webhook route. */
import { openCatalogue } from "./catalogue.ts";
import { answerWebhook } from "./http.ts";
import { openWebhookKey } from "./installation.ts";
import { openListeners } from "./providers.ts";
import { lambdaHandler } from "./runtime.ts";
import { openBlobs, openStores } from "./stores.ts";
import { openWorkflow } from "./workflow.ts";

export const handler = lambdaHandler("webhook", answerWebhook, (around) => {
  const stores = { ...openStores(around, "attempts"), ...openBlobs() };
  const known = { ...around, ...openCatalogue(around) };
  const services = { ...openListeners(known), ...openWorkflow(around), ...openWebhookKey() };
  return { ...known, ...stores, ...services };
});
