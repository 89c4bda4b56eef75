/** @module The function that makes versions, called each minute; it carries sharp as `process` does. */
import { developRound } from "./develop-round.ts";
import { openDeveloping } from "./imaging.ts";
import { NO_OVERVIEWS, openBlobs } from "./installation.ts";
import { lambdaHandler } from "./runtime.ts";
import { attempts, audit, events, images, openStores, removed, reviews, versions } from "./stores.ts";

export const handler = lambdaHandler("reprocess", developRound, async (around) => {
  const records = { attempts, audit, events, images, pictureBlock: removed, reviews, versions };
  const services = { ...openBlobs(), ...NO_OVERVIEWS, ...(await openDeveloping(around)) };
  return { ...around, ...openStores(around, records), ...services };
});
