/** @module The providers of a function: with the token for those that ask or buy, without it for the one that only listens. */
import { readSettings } from "@atelier/aws/config";
import { readSecret } from "@atelier/aws/secrets";
import type { ProviderName } from "@atelier/core/catalogue";
import { createProviders } from "@atelier/providers/registry";
import { createOutputFetcher } from "@atelier/providers/safe-url";
import type { Surroundings } from "./runtime.ts";

export function openProviders(surroundings: Pick<Surroundings, "clock">) {
  return providersWith({ token: readSecret("ReplicateApiToken") }, surroundings);
}

/** Reads webhooks alone: a public address holds no token that buys. */
export function openListeners(surroundings: Pick<Surroundings, "clock">) {
  const webhookSecret = readSecret("ReplicateWebhookSecret");
  return providersWith({ token: "none: this function only listens", webhookSecret }, surroundings);
}

function providersWith(
  keys: { readonly token: string; readonly webhookSecret?: string },
  { clock }: Pick<Surroundings, "clock">,
) {
  const { REPLICATE_BASE_URL: baseUrl } = readSettings(["REPLICATE_BASE_URL"]);
  const providers = createProviders({ replicate: { ...keys, ...(baseUrl && { baseUrl }) } }, { clock });
  return { providerOf: (name: ProviderName) => providers.get(name) };
}

export function openFetcher() {
  return { fetcher: createOutputFetcher() };
}
