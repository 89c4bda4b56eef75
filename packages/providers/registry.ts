/** @module Which providers there are. Adding one is a folder, a line here and the contract suite. */
import type { ProviderName } from "@atelier/core/catalogue";
import { AtelierError } from "@atelier/core/errors";
import type { Provider } from "@atelier/core/provider";
import * as z from "zod";
import { isLoopbackHost } from "./public-address.ts";
import { createReplicateProvider, type ReplicateDeps } from "./replicate/provider.ts";

const replicateSettingsSchema = z.strictObject({
  token: z.string("must be a text").trim().min(1, "must not be empty"),
  baseUrl: z
    .url("must be an address such as https://api.replicate.com/v1")
    .transform((text) => text.replace(/\/+$/, ""))
    .refine(
      (text) => text.startsWith("https:") || isLoopbackHost(new URL(text).hostname),
      "must begin with https:// unless it is on this machine",
    )
    .default("https://api.replicate.com/v1"),
  webhookSecret: z
    .string()
    .regex(/^whsec_[A-Za-z0-9+/]+={0,2}$/, "must begin with whsec_")
    .nullable()
    .default(null),
});

/** A provider without settings is not offered. */
export interface ProviderSettings {
  readonly replicate?: z.input<typeof replicateSettingsSchema>;
  /** The Replicate adapter, spoken to by the sandbox. */
  readonly sandbox?: z.input<typeof replicateSettingsSchema>;
}

/** @throws AtelierError `ConfigurationInvalid` naming the provider and the setting */
export function createProviders(
  settings: ProviderSettings,
  deps: ReplicateDeps,
): Map<ProviderName, Provider> {
  const providers = new Map<ProviderName, Provider>();
  for (const name of ["replicate", "sandbox"] as const) {
    if (settings[name] === undefined) continue;
    const read = replicateSettingsSchema.safeParse(settings[name]);
    if (!read.success) {
      const [issue] = read.error.issues;
      throw new AtelierError(
        "ConfigurationInvalid",
        `The setting "${issue?.path.join(".")}" of the provider ${name} ${issue?.message}.`,
      );
    }
    providers.set(name, createReplicateProvider({ name, ...read.data }, deps));
  }
  return providers;
}
