/** @module The function that makes versions, called each minute; it carries sharp as `process` does. */
import { openDeveloping } from "./imaging.ts";
import { openBlobs } from "./installation.ts";
import { makeVersions } from "./make-versions.ts";
import { lambdaHandler } from "./runtime.ts";
import { attempts, audit, images, openStores, versions } from "./stores.ts";

export const handler = lambdaHandler("reprocess", makeVersions, async (around) => {
  const stores = openStores(around, { images, attempts, audit, versions });
  return { ...around, ...stores, ...openBlobs(), ...(await openDeveloping(around)) };
});
