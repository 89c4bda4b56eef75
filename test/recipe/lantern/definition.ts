/** @module The settings of Lantern, a made-up service: what CONTRIBUTING's recipe for a provider comes to. */
import { addressSchema, defineProvider, keySchema } from "@atelier/providers/definition";
import * as z from "zod";
import { createLanternProvider } from "./provider.ts";

const ADDRESS = "https://api.lantern.example";

export const lantern = defineProvider({
  name: "lantern",
  settings: z.strictObject({ apiKey: keySchema, baseUrl: addressSchema(ADDRESS).default(ADDRESS) }),
  variables: {
    apiKey: { name: "LANTERN_API_KEY", secret: true },
    baseUrl: { name: "LANTERN_BASE_URL", secret: false },
  },
  switchedOnBy: "apiKey",
  create: (settings, deps) => createLanternProvider(settings, deps),
});
