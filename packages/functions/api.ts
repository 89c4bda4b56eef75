/** @module The function behind the API's address. */
import { createApi } from "@atelier/api/app";
import { openApiDeps, openApiOptions } from "./api-deps.ts";
import { answerCall } from "./http-api.ts";
import { lambdaHandler } from "./runtime.ts";

export const handler = lambdaHandler("api", answerCall, (around) => ({
  ...around,
  app: createApi(openApiDeps(around), openApiOptions()),
}));
