/** @module The function of `record`. */
import { record, recordInputSchema } from "@atelier/core/workflow/steps/record";
import { openBlobs, openLimits } from "./installation.ts";
import { stepHandler } from "./runtime.ts";
import { attempts, audit, events, images, ledger, openStores } from "./stores.ts";

export const handler = stepHandler("record", recordInputSchema, record, (around) => {
  const stores = openStores(around, { images, attempts, ledger, audit, events });
  return { ...around, ...stores, ...openBlobs(), ...openLimits() };
});
