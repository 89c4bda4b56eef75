/** @module The function of `validate`. */
import { imageInputSchema } from "@atelier/core/workflow/ownership";
import { validate } from "@atelier/core/workflow/steps/validate";
import { openCatalogue, openRouting } from "./catalogue.ts";
import { openLimits, openPromptKey } from "./installation.ts";
import { stepHandler } from "./runtime.ts";
import { deciding, openHealth, openStores } from "./stores.ts";
import { vault } from "./vault.ts";

export const handler = stepHandler("validate", imageInputSchema, validate, (around) => {
  const known = openCatalogue(around);
  const stores = openStores(around, { ...deciding, vault });
  const routing = { ...openRouting(known), ...openHealth(around, known, stores) };
  return { ...around, ...known, ...stores, ...routing, ...openLimits(), ...openPromptKey() };
});
