/** @module The table's stores: an entry opens those that it imports, over one client. */
import { readSettings } from "@atelier/aws/config";
import { createAttempts } from "@atelier/aws/dynamo/attempts";
import { createAttestations } from "@atelier/aws/dynamo/attestations";
import { createAudit } from "@atelier/aws/dynamo/audit";
import { createCallers } from "@atelier/aws/dynamo/callers";
import type { Dynamo } from "@atelier/aws/dynamo/client";
import { createImages } from "@atelier/aws/dynamo/images";
import { createLedgerStore } from "@atelier/aws/dynamo/ledger";
import { createPacingStore } from "@atelier/aws/dynamo/pacing";
import { createPromptVault } from "@atelier/aws/dynamo/prompts";
import { createRequests } from "@atelier/aws/dynamo/requests";
import { createBlockedPictures, createReviews } from "@atelier/aws/dynamo/reviews";
import { createVersions } from "@atelier/aws/dynamo/versions";
import { connectEventBus } from "@atelier/aws/event-bus";
import { createEvents } from "@atelier/aws/events";
import { createTableRateLimit } from "@atelier/aws/rate-limit";
import { derivedKey } from "@atelier/aws/secrets";
import { connectTable } from "@atelier/aws/table";
import type { Catalogue } from "@atelier/core/catalogue";
import { installedHealth } from "@atelier/core/installed-health";
import { knownNames } from "@atelier/core/metrics";
import { createPacing, jobRunning, limitsIn } from "@atelier/core/pacing-rounds";
import { createPictureBlock } from "@atelier/core/picture-block";
import type { Attempts, Pacing, PacingStore } from "@atelier/core/ports";
import { NO_TEXTS } from "./no-texts.ts";
import { type Offers, openOffers } from "./offers.ts";
import type { Surroundings } from "./runtime.ts";

type Maker = (dynamo: Dynamo, surroundings: Surroundings) => unknown;

export const attestations = (dynamo: Dynamo) => createAttestations(dynamo);
export const attempts = (dynamo: Dynamo) => createAttempts(dynamo);
export const audit = (dynamo: Dynamo, { randomBytes }: Surroundings) => createAudit(dynamo, randomBytes);
export const callers = (dynamo: Dynamo) => createCallers(dynamo);
/** The table's items and the stack's bus. */
export const events = (dynamo: Dynamo, { telemetry }: Surroundings) =>
  createEvents({
    dynamo,
    telemetry,
    bus: connectEventBus(readSettings(["ATELIER_EVENT_BUS"]).ATELIER_EVENT_BUS),
    known: knownNames(openOffers().offers),
  });
export const images = (dynamo: Dynamo) => createImages(dynamo);
/** For whoever looks for words of prompts. */
export const searchedImages = (dynamo: Dynamo) => createImages(dynamo, { wordKey: derivedKey("prompts") });
export const ledger = (dynamo: Dynamo) => createLedgerStore(dynamo);
export const pacing = (dynamo: Dynamo) => createPacingStore(dynamo);
/** Pictures that reviewers removed, as nobody without the installation's key can recognise them. */
export const removed = (dynamo: Dynamo) =>
  createPictureBlock(createBlockedPictures(dynamo), derivedKey("pictures"));
/** Prompts for whoever removes them, and can read none. */
export const sealedPrompts = (dynamo: Dynamo) => createPromptVault(dynamo, NO_TEXTS);
export const requests = (dynamo: Dynamo) => createRequests(dynamo);
export const reviews = (dynamo: Dynamo) => createReviews(dynamo);
/** Null: nobody is limited. */
export const rateLimit = (dynamo: Dynamo, { clock }: Surroundings) => {
  const { ATELIER_RATE_LIMIT_PER_MINUTE: perMinute } = readSettings(["ATELIER_RATE_LIMIT_PER_MINUTE"]);
  return perMinute === 0 ? null : createTableRateLimit(perMinute, { dynamo, clock });
};
export const versions = (dynamo: Dynamo) => createVersions(dynamo);

/** What it takes to decide whether, and from whom, an image is bought. */
export const deciding = { images, attempts, requests, ledger, audit, events, pacing };

/** What an entry does not import is not in its bundle. */
export function openStores<const Makers extends Readonly<Record<string, Maker>>>(
  surroundings: Surroundings,
  makers: Makers,
): { readonly [Name in keyof Makers]: ReturnType<Makers[Name]> } {
  const { ATELIER_TABLE } = readSettings(["ATELIER_TABLE"]);
  const dynamo = connectTable(ATELIER_TABLE);
  const opened = Object.entries(makers).map(([name, make]) => [name, make(dynamo, surroundings)] as const);
  return Object.fromEntries(opened) as { [Name in keyof Makers]: ReturnType<Makers[Name]> };
}

/** The stores with turns at the providers in place of the table's rows about them. */
export function withTurns<Opened extends { readonly pacing: PacingStore; readonly attempts: Attempts }>(
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
  stores: { readonly pacing: PacingStore; readonly attempts: Attempts },
) {
  const { attempts, pacing: pacingStore } = stores;
  return { health: installedHealth(known.providers, { ...known, clock, attempts, pacingStore }) };
}
