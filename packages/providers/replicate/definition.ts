/** @module Replicate's settings, and those of the sandbox, which is the same adapter under another name. */
import * as z from "zod";
import { addressSchema, defineProvider, keySchema } from "../definition.ts";
import { createReplicateProvider } from "./provider.ts";

const settings = z.strictObject({
  token: keySchema,
  baseUrl: addressSchema("https://api.replicate.com/v1").default("https://api.replicate.com/v1"),
  webhookSecret: z
    .string()
    .regex(/^whsec_[A-Za-z0-9+/]+={0,2}$/, "must begin with whsec_")
    .nullable()
    .default(null),
});

export const replicate = defineProvider({
  name: "replicate",
  settings,
  variables: {
    token: { name: "REPLICATE_API_TOKEN", secret: true },
    baseUrl: { name: "REPLICATE_BASE_URL", secret: false },
    webhookSecret: { name: "REPLICATE_WEBHOOK_SECRET", secret: true, forWebhooks: true },
  },
  switchedOnBy: "token",
  create: (read, deps) => createReplicateProvider({ name: "replicate", ...read }, deps),
});

/** Its settings come from whoever hosts it, never from the environment. */
export const sandbox = defineProvider({
  name: "sandbox",
  settings,
  variables: {},
  switchedOnBy: "token",
  create: (read, deps) => createReplicateProvider({ name: "sandbox", ...read }, deps),
});
