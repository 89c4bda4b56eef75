/** @module The function that the schedule calls once a day. */
import { openCatalogue, openRouting } from "./catalogue.ts";
import { dailyRound, openRetention } from "./daily-round.ts";
import { NO_OVERVIEWS, openPlaces } from "./installation.ts";
import { lambdaHandler } from "./runtime.ts";
import * as all from "./stores.ts";

export const handler = lambdaHandler("daily", dailyRound, (around) => {
  const { attempts, attestations, audit, events, images, requests, reviews, versions } = all;
  const vault = all.sealedPrompts;
  const records = { attempts, attestations, audit, events, images, requests, reviews, vault, versions };
  const known = openCatalogue(around);
  const services = { ...openRouting(known), ...openPlaces(), ...openRetention(), ...NO_OVERVIEWS };
  return { ...around, ...known, ...services, ...all.openStores(around, records) };
});
