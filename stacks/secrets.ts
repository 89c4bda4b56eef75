/// <reference path="../.sst/platform/config.d.ts" />

/** Every secret, and who is given it (functions.ts links them). Set by `sst secret set NAME VALUE --stage S`. */
export function secrets() {
  return {
    /** Replicate's API token: generate buys, reconcile and collect ask about jobs. */
    replicateApiToken: new sst.Secret("ReplicateApiToken"),
    /** What Replicate signs its webhooks with: webhook. */
    replicateWebhookSecret: new sst.Secret("ReplicateWebhookSecret"),
    /** Our own random key: signs webhook addresses (generate, webhook) and hashes prompts (validate, start). */
    atelierKey: new sst.Secret("AtelierKey"),
  };
}
export type Secrets = ReturnType<typeof secrets>;
