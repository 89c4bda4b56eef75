/** @module The settings of a Midjourney wrapper: a midjourney-proxy that the operator runs or rents. */
import * as z from "zod";
import { defineProvider, keySchema, ownMachineAddressSchema } from "../definition.ts";
import { createMidjourneyProvider } from "./provider.ts";

const settings = z.strictObject({
  /** Null: a proxy in a private network that asks for none. */
  apiKey: keySchema.nullable().default(null),
  /** What comes before `/mj`; an address that ends with it is taken as well. */
  baseUrl: ownMachineAddressSchema.transform((address) => address.replace(/\/mj$/, "")),
  /** What becomes of a grid of four: cut here, or each quarter enlarged by Midjourney, which takes quota and time. */
  outputs: z.enum(["crop", "upscale"], "must be crop or upscale").default("crop"),
});

export const midjourney = defineProvider({
  name: "midjourney",
  offBecause:
    "Midjourney's terms ban automation by third parties: an account that is driven by a wrapper may be closed.",
  settings,
  variables: {
    apiKey: { name: "MIDJOURNEY_API_KEY", secret: true },
    baseUrl: { name: "MIDJOURNEY_BASE_URL", secret: false },
    outputs: { name: "MIDJOURNEY_OUTPUTS", secret: false },
  },
  switchedOnBy: "baseUrl",
  create: (read, deps) => createMidjourneyProvider(read, deps),
});
