/**
 * @module What a provider's folder says about itself: its name, the settings that switch it on and the variables that they
 * come from. The registry is a list of these; nothing else knows a provider by name.
 */
import type { ProviderName } from "@atelier/core/catalogue";
import { AtelierError } from "@atelier/core/errors";
import type { Clock } from "@atelier/core/ids";
import type { Provider } from "@atelier/core/provider";
import * as z from "zod";
import type { Transport } from "./http.ts";
import { isLoopbackHost } from "./public-address.ts";

export interface ProviderDeps {
  readonly clock: Clock;
  /** `templates/comfyui/*.json` by name, as read: for providers that run graphs. */
  readonly workflows: Readonly<Record<string, unknown>>;
  /** Default: the global `fetch`. A process that stays brings `createPool()`. */
  readonly transport?: Transport;
}

export interface Variable {
  /** In the environment. */
  readonly name: string;
  /** A secret comes from SST's secrets on AWS and is never shown. */
  readonly secret: boolean;
  /** Checks webhooks and buys nothing: on AWS the function that listens is given this alone. */
  readonly forWebhooks?: true;
}

export interface ProviderDefinition {
  readonly name: ProviderName;
  /** Why it stays off until `ATELIER_ENABLE` names it, in a sentence; null: on once it is configured. */
  readonly offBecause: string | null;
  /** Setting to variable. */
  readonly variables: Readonly<Record<string, Variable>>;
  /** The setting without which the provider is not configured here. */
  readonly switchedOnBy: string;
  /** @throws AtelierError `ConfigurationInvalid` naming the provider and the variable or setting */
  open(values: Readonly<Record<string, unknown>>, deps: ProviderDeps): Provider;
}

export function defineProvider<Settings>(definition: {
  readonly name: ProviderName;
  readonly offBecause?: string;
  readonly settings: z.ZodType<Settings>;
  readonly variables: Readonly<Record<keyof Settings & string, Variable>> | Readonly<Record<string, never>>;
  readonly switchedOnBy: keyof Settings & string;
  create(settings: Settings, deps: ProviderDeps): Provider;
}): ProviderDefinition {
  const { name, settings, switchedOnBy, create } = definition;
  const variables: Readonly<Record<string, Variable>> = definition.variables;
  return {
    name,
    offBecause: definition.offBecause ?? null,
    variables,
    switchedOnBy,
    open(values, deps) {
      const read = settings.safeParse(values);
      if (read.success) return create(read.data, deps);
      const [issue] = read.error.issues;
      const setting = String(issue?.path[0] ?? "settings");
      throw new AtelierError(
        "ConfigurationInvalid",
        `${variables[setting]?.name ?? `The setting "${setting}"`} of the provider ${name} ${issue?.message}.`,
      );
    },
  };
}

/** A key or token: any text but an empty one. */
export const keySchema = z.string("must be a text").trim().min(1, "must not be empty");

/** A provider's public address: https, or plain http on this machine. Without a slash at the end. */
export function addressSchema(example: string) {
  return z
    .url(`must be an address such as ${example}`)
    .transform((text) => text.replace(/\/+$/, ""))
    .refine(
      (text) => text.startsWith("https:") || isLoopbackHost(new URL(text).hostname),
      "must begin with https:// unless it is on this machine",
    );
}

/** One's own machine, on this host or in the private network: plain http is what such servers speak. */
export const ownMachineAddressSchema = z
  .url("must be an address such as http://127.0.0.1:7860")
  .refine((text) => /^https?:/.test(text), "must begin with http:// or https://")
  .refine((text) => {
    const { username, password, search, hash } = new URL(text);
    return username + password + search + hash === "";
  }, "must not carry a user, a password or a query")
  .transform((text) => text.replace(/\/+$/, ""));
