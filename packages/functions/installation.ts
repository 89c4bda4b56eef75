/** @module What an installation has: its bucket, limits of its budget, its own key, its address for webhooks. */
import { readFirstLimits, readSettings } from "@atelier/aws/config";
import { connectBlobs } from "@atelier/aws/s3-blobs";
import { derivedKey } from "@atelier/aws/secrets";
import type { Attempt } from "@atelier/core/attempt";
import type { Blobs } from "@atelier/core/ports";
import type { Place } from "@atelier/core/privacy";
import { webhookPath } from "@atelier/core/webhook";

/** One time zone for calendar, budgets and folders: the installation's, else the calendar's own. */
export function chosenTimezone(written: string): string {
  return readSettings(["ATELIER_TIMEZONE"]).ATELIER_TIMEZONE ?? written;
}

export function openBlobs(): { readonly blobs: Blobs } {
  const { ATELIER_BUCKET } = readSettings(["ATELIER_BUCKET"]);
  return { blobs: connectBlobs(ATELIER_BUCKET) };
}

/** Every place that files are kept in: the bucket, and that of copies. */
export function openPlaces(): { readonly places: readonly Place[] } {
  const { ATELIER_BUCKET, ATELIER_BACKUP_BUCKET } = readSettings(["ATELIER_BUCKET", "ATELIER_BACKUP_BUCKET"]);
  return {
    places: [ATELIER_BUCKET, ATELIER_BACKUP_BUCKET].map((name) => ({ name, blobs: connectBlobs(name) })),
  };
}

/** Nothing on AWS shows several pictures in one file. */
export const NO_OVERVIEWS = { removeOverviews: async () => undefined };

export function openLimits() {
  return { firstLimits: readFirstLimits() };
}

export function openPromptKey() {
  return { promptKey: derivedKey("prompts") };
}

export function openWebhookKey() {
  return { webhookKey: derivedKey("webhooks") };
}

/** Where providers tell about an attempt: the webhook route, with the attempt's id signed. */
export function openWebhookAddresses() {
  const { ATELIER_WEBHOOK_URL } = readSettings(["ATELIER_WEBHOOK_URL"]);
  const { webhookKey } = openWebhookKey();
  return {
    webhookUrlOf: ({ attemptId, provider }: Pick<Attempt, "attemptId" | "provider">) =>
      ATELIER_WEBHOOK_URL + webhookPath(provider, attemptId, webhookKey),
  };
}
