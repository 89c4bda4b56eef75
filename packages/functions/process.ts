/** @module The function of `process`: the one that carries sharp. */
import { attemptInputSchema } from "@atelier/core/workflow/ownership";
import { process } from "@atelier/core/workflow/steps/process";
import { openImaging } from "./imaging.ts";
import { openBlobs } from "./installation.ts";
import { openOffers } from "./offers.ts";
import { stepHandler } from "./runtime.ts";
import { attempts, images, openStores, removed } from "./stores.ts";

export const handler = stepHandler("process", attemptInputSchema, process, async (around) => {
  const { removed: pictures, ...stores } = openStores(around, { images, attempts, removed });
  const services = { ...openBlobs(), ...openOffers(), ...(await openImaging(around)) };
  return { ...around, ...stores, ...services, isBlocked: pictures.isBlocked };
});
