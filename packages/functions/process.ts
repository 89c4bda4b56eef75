/** @module The function of `process`: the one that carries sharp. */
import { attemptInputSchema } from "@atelier/core/workflow/ownership";
import { process } from "@atelier/core/workflow/steps/process";
import { openImaging } from "./imaging.ts";
import { stepHandler } from "./runtime.ts";
import { attempts, images, openBlobs, openStores } from "./stores.ts";

export const handler = stepHandler("process", attemptInputSchema, process, (around) => {
  const stores = { ...openStores(around, { images, attempts }), ...openBlobs() };
  return { ...around, ...stores, ...openImaging() };
});
