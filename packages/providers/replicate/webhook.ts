/** @module Replicate's webhook signature (the svix scheme), over the raw bytes. */
import { createHmac, timingSafeEqual } from "node:crypto";

/** Replicate's documentation and the svix libraries: five minutes either way. */
export const WEBHOOK_AGE_MAX_SECONDS = 300;

export type WebhookHeaders = Readonly<Record<string, string | undefined>>;

/** `v1,` and base64 of HMAC-SHA256 over `{id}.{timestamp}.{body}`; the key is base64 after `whsec_`. */
export function signWebhook(secret: string, id: string, timestamp: string, rawBody: Uint8Array): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  return `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.`).update(rawBody).digest("base64")}`;
}

/** Null when the signature is ours and fresh, otherwise what is wrong with it. Header names in any case. */
export function webhookFault(
  secret: string,
  headers: WebhookHeaders,
  rawBody: Uint8Array,
  nowMs: number,
): "signature" | "age" | null {
  const header = (wanted: string) =>
    Object.entries(headers).find(([name]) => name.toLowerCase() === wanted)?.[1] ?? "";
  const timestamp = header("webhook-timestamp");
  const expected = Buffer.from(signWebhook(secret, header("webhook-id"), timestamp, rawBody));
  // Several while a secret is being changed; one match is enough.
  const signed = header("webhook-signature")
    .split(" ")
    .map((signature) => Buffer.from(signature))
    .some((given) => given.length === expected.length && timingSafeEqual(given, expected));
  if (!signed || !/^\d{1,12}$/.test(timestamp)) return "signature";
  return Math.abs(nowMs / 1000 - Number(timestamp)) > WEBHOOK_AGE_MAX_SECONDS ? "age" : null;
}
