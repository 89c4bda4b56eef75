/** @module The function of `abandon`. */
import { abandon, abandonInputSchema } from "@atelier/core/workflow/steps/abandon";
import { openLimits } from "./installation.ts";
import { stepHandler } from "./runtime.ts";
import { attempts, audit, events, images, ledger, openStores } from "./stores.ts";

export const handler = stepHandler("abandon", abandonInputSchema, abandon, (around) => {
  const stores = openStores(around, { images, attempts, ledger, audit, events });
  return { ...around, ...stores, ...openLimits() };
});
