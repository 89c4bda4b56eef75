/** @module The function behind the webhook route. */
import { answerWebhook } from "./http.ts";
import { openBlobs, openWebhookKey } from "./installation.ts";
import { openListeners } from "./providers.ts";
import { lambdaHandler } from "./runtime.ts";
import { attempts, openStores } from "./stores.ts";
import { openWorkflow } from "./workflow.ts";

export const handler = lambdaHandler("webhook", answerWebhook, (around) => {
  const stores = { ...openStores(around, { attempts }), ...openBlobs() };
  return { ...around, ...stores, ...openListeners(around), ...openWorkflow(around), ...openWebhookKey() };
});
