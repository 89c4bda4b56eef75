/// <reference path="../.sst/platform/config.d.ts" />
import { secretNameOf } from "@atelier/core/secret-name";
import type { Settings } from "./settings.ts";

/** Every secret, and who is given it (functions.ts links them). Set by `sst secret set NAME VALUE --stage S`. */
export function secrets({ providers, alertChat }: Pick<Settings, "providers" | "alertChat">) {
  const ofProviders = providers
    .flatMap(({ variables }) => Object.values(variables))
    .filter(({ secret }) => secret)
    .map(({ name, forWebhooks = false }) => ({ forWebhooks, secret: new sst.Secret(secretNameOf(name)) }));
  return {
    /** Keys of providers: generate buys, reconcile and collect ask about jobs. */
    providerKeys: ofProviders.filter(({ forWebhooks }) => !forWebhooks).map(({ secret }) => secret),
    /** What providers sign their webhooks with: webhook. */
    webhookSecrets: ofProviders.filter(({ forWebhooks }) => forWebhooks).map(({ secret }) => secret),
    /** Our own random key: signs webhook addresses (generate, webhook) and hashes prompts (validate, start). */
    atelierKey: [new sst.Secret("AtelierKey")],
    /** The address of a chat's incoming webhook: whoever has it can write there. */
    chatWebhook: alertChat ? [new sst.Secret("ChatWebhookUrl")] : [],
  };
}
export type Secrets = ReturnType<typeof secrets>;
