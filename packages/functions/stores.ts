/** @module The table's stores by name: an entry opens those that it names, over one client. */
import { readSettings } from "@atelier/aws/config";
import { createAttempts } from "@atelier/aws/dynamo/attempts";
import { createAudit } from "@atelier/aws/dynamo/audit";
import { createImages } from "@atelier/aws/dynamo/images";
import { createLedgerStore } from "@atelier/aws/dynamo/ledger";
import { createPacingStore } from "@atelier/aws/dynamo/pacing";
import { createPromptVault } from "@atelier/aws/dynamo/prompts";
import { createRequests } from "@atelier/aws/dynamo/requests";
import { createEvents } from "@atelier/aws/events";
import { connectTextVault } from "@atelier/aws/prompt-encryption-kms";
import { connectBlobs } from "@atelier/aws/s3-blobs";
import { connectTable } from "@atelier/aws/table";
import type { Catalogue } from "@atelier/core/catalogue";
import { installedHealth } from "@atelier/core/installed-health";
import { createPacing, jobRunning, limitsIn } from "@atelier/core/pacing-rounds";
import type { Blobs, Pacing } from "@atelier/core/ports";
import type { Offers } from "./offers.ts";
import type { Surroundings } from "./runtime.ts";

const STORES = {
  images: createImages,
  attempts: createAttempts,
  requests: createRequests,
  ledger: createLedgerStore,
  vault: (dynamo) =>
    createPromptVault(
      dynamo,
      connectTextVault(readSettings(["ATELIER_PROMPT_KEY_ARN"]).ATELIER_PROMPT_KEY_ARN),
    ),
  audit: createAudit,
  pacing: createPacingStore,
  events: (dynamo, { telemetry }) => createEvents({ dynamo, telemetry }),
} satisfies Record<string, (dynamo: ReturnType<typeof connectTable>, surroundings: Surroundings) => unknown>;

export type Stores = { readonly [Name in keyof typeof STORES]: ReturnType<(typeof STORES)[Name]> };

export function openStores<Name extends keyof Stores>(
  surroundings: Surroundings,
  ...names: readonly Name[]
): Pick<Stores, Name> {
  const { ATELIER_TABLE } = readSettings(["ATELIER_TABLE"]);
  const dynamo = connectTable(ATELIER_TABLE);
  return Object.fromEntries(names.map((name) => [name, STORES[name](dynamo, surroundings)])) as Pick<
    Stores,
    Name
  >;
}

export function openBlobs(): { readonly blobs: Blobs } {
  const { ATELIER_BUCKET } = readSettings(["ATELIER_BUCKET"]);
  return { blobs: connectBlobs(ATELIER_BUCKET) };
}

/** The stores with turns at the providers in place of the table's rows about them. */
export function withTurns<Opened extends Pick<Stores, "pacing" | "attempts">>(
  known: Pick<Surroundings, "clock"> & { readonly offers: Offers; readonly timezone: string },
  { pacing: store, ...stores }: Opened,
): Omit<Opened, "pacing"> & { readonly pacing: Pacing } {
  const { clock, timezone, offers } = known;
  const isRunning = jobRunning(stores.attempts);
  const pacing = createPacing({ store, clock, timezone, isRunning, limitsOf: limitsIn(offers) });
  return { ...stores, pacing };
}

/** How the deployment's providers have done lately. */
export function openHealth(
  { clock }: Surroundings,
  known: { readonly catalogue: Catalogue; readonly timezone: string; readonly providers: readonly string[] },
  { pacing: pacingStore, attempts }: Pick<Stores, "pacing" | "attempts">,
) {
  return { health: installedHealth(known.providers, { ...known, clock, attempts, pacingStore }) };
}
