/** @module Stability AI's settings. */
import * as z from "zod";
import { addressSchema, defineProvider, keySchema } from "../definition.ts";
import { createStabilityProvider } from "./provider.ts";

const ADDRESS = "https://api.stability.ai";

const settings = z.strictObject({
  apiKey: keySchema,
  /** An origin: v1 and v2beta lie below it. */
  baseUrl: addressSchema(ADDRESS)
    .refine((text) => new URL(text).pathname === "/", `must be an address without a path, such as ${ADDRESS}`)
    .default(ADDRESS),
});

export const stability = defineProvider({
  name: "stability",
  settings,
  variables: {
    apiKey: { name: "STABILITY_API_KEY", secret: true },
    baseUrl: { name: "STABILITY_BASE_URL", secret: false },
  },
  switchedOnBy: "apiKey",
  create: (read, deps) => createStabilityProvider(read, deps),
});
