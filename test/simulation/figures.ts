/** @module What a simulation must have come to: money and pictures of every attempt, held against what providers made and charged. */
import type { Attempt } from "@atelier/core/attempt";
import { proveBudget } from "@atelier/core/budget-verify";
import type { Image } from "@atelier/core/image";
import { isTerminal } from "@atelier/core/image";
import type { LedgerStore } from "@atelier/core/ledger-store";
import { keptOutputs } from "@atelier/core/outcome";
import { all } from "@atelier/core/pages";
import type { Attempts, Blobs, Events, Images } from "@atelier/core/ports";
import type { Account, Bought } from "./account.ts";
import type { Misfortunes } from "./gates.ts";

export interface ProviderFigures {
  attempts: number;
  /** Creates that took effect. */
  creates: number;
  /** Of these, attempts whose picture is stored. */
  stored: number;
  /** Of these, attempts without a picture: booked as charged, or ended where nothing is charged. */
  booked: number;
  /** Creates less both: what nobody answers for. */
  unaccounted: number;
  /** Pictures that were made and could be had, or were handed to us, and are nowhere. */
  lostPictures: number;
  /** Creates beyond the first of an attempt. */
  boughtTwice: number;
  /** By the provider, where it tells. Micro-USD. */
  chargedMicros: number;
  /** By the attempts. */
  spentMicros: number;
  /** Attempts that were booked though the provider never took them up: nobody could tell. */
  bookedUnseen: number;
  givenUp: number;
}

export interface Findings {
  readonly byProvider: Record<string, ProviderFigures>;
  readonly images: Record<string, number>;
  /** Why images failed. */
  readonly failures: Record<string, number>;
  /** The longest that an image took at its provider and after it. */
  readonly slowestMs: number;
  readonly leakedHolds: number;
  readonly isProved: boolean;
  /** Everything that must not be, in words; empty when all holds. */
  readonly problems: string[];
}

export interface Records {
  readonly images: Images;
  readonly attempts: Attempts;
  readonly ledger: LedgerStore;
  readonly blobs: Blobs;
}

export async function findings(
  asked: {
    readonly requestIds: readonly string[];
    readonly imagesAsked: number;
    readonly startMs: number;
    readonly months: readonly string[];
    readonly accounts: readonly Account[];
    readonly misfortunes: Misfortunes;
    readonly published: readonly Parameters<Events["publish"]>[0][];
  },
  records: Records,
): Promise<Findings> {
  const problems: string[] = [];
  const byProvider: Record<string, ProviderFigures> = {};
  const shas = new Map<string, string>();
  for (const account of asked.accounts) {
    const attempts: Attempt[] = [];
    for await (const attempt of all((page) => records.attempts.ofProvider(account.name, 0, page)))
      attempts.push(attempt);
    byProvider[account.name] = await figuresOf(account, attempts, asked.misfortunes, records, shas, problems);
  }

  const images: Record<string, number> = {};
  const failures: Record<string, number> = {};
  let found = 0;
  let slowestMs = 0;
  for (const requestId of asked.requestIds) {
    for (const image of await records.images.ofRequest(requestId)) {
      found++;
      slowestMs = Math.max(slowestMs, image.processingMs ?? 0);
      images[image.status] = (images[image.status] ?? 0) + 1;
      if (image.failure) failures[image.failure.name] = (failures[image.failure.name] ?? 0) + 1;
      await checkImage(image, records, problems);
    }
  }
  if (found !== asked.imagesAsked) problems.push(`${asked.imagesAsked - found} images were forgotten`);
  checkEvents(asked.published, problems);

  let leakedHolds = 0;
  let isProved = true;
  for (const account of ["real", "sandbox"] as const) {
    for (const month of asked.months) {
      const row = await records.ledger.read(account, month);
      const open = Object.entries(row?.holds ?? {}).filter(([, micros]) => micros > 0);
      leakedHolds += open.length;
      for (const [key, micros] of open)
        problems.push(`the hold ${key} of ${micros} is left in ${account} ${month}`);
      const providers = asked.accounts.map(({ name }) => name);
      const proof = await proveBudget(
        { account, month, providers, monthStartMs: 0, today: `${month}-01`, nowMs: Number.MAX_SAFE_INTEGER },
        records,
      );
      isProved &&= proof.isProved;
      for (const counter of proof.counters) {
        if (counter.differenceMicros !== 0) {
          problems.push(
            `${account} ${counter.scope} ${counter.period} is off by ${counter.differenceMicros}`,
          );
        }
      }
    }
  }
  return { byProvider, images, failures, slowestMs, leakedHolds, isProved, problems };
}

async function figuresOf(
  account: Account,
  attempts: readonly Attempt[],
  { delivered, sent }: Misfortunes,
  records: Records,
  shas: Map<string, string>,
  problems: string[],
): Promise<ProviderFigures> {
  const figures: ProviderFigures = {
    attempts: attempts.length,
    creates: 0,
    stored: 0,
    booked: 0,
    unaccounted: 0,
    lostPictures: 0,
    boughtTwice: 0,
    chargedMicros: 0,
    spentMicros: 0,
    bookedUnseen: 0,
    givenUp: attempts.filter(
      ({ state, outcome }) => state === "unknown" || outcomeName(outcome) === "OutcomeUnknown",
    ).length,
  };
  const problem = (attempt: Attempt | undefined, what: string) =>
    problems.push(
      `${account.name} ${attempt?.attemptId ?? "?"}: ${what}${attempt ? ` (${told(attempt)})` : ""}`,
    );
  const byId = new Map<string | number, Attempt[]>();
  for (const attempt of attempts) {
    for (const key of [attempt.attemptId, attempt.seed]) byId.set(key, [...(byId.get(key) ?? []), attempt]);
  }

  const bought = new Map<string | number, Bought[]>();
  for (const create of account.bought())
    bought.set(create.attempt, [...(bought.get(create.attempt) ?? []), create]);
  const seen = new Set<string>();
  for (const [key, creates] of bought) {
    const owners = byId.get(key) ?? [];
    figures.creates += creates.length;
    if (creates.length > owners.length) {
      figures.boughtTwice += creates.length - owners.length;
      problem(owners[0], `${creates.length} creates took effect`);
    }
    for (const attempt of owners.slice(0, creates.length)) {
      const create = creates[owners.indexOf(attempt)];
      if (!create) continue;
      seen.add(attempt.attemptId);
      const isStored = await hasPictures(attempt, create.hasPicture, records, shas, problem);
      const spentMicros = spentOf(attempt);
      const isBooked =
        spentMicros > 0 ||
        (attempt.holdMicros === 0 && attempt.outcome !== null) ||
        create.chargedMicros === 0;
      if (isStored) figures.stored++;
      else if (isBooked) figures.booked++;
      figures.chargedMicros += create.chargedMicros ?? 0;
      const isGivenUp = attempt.state === "unknown" || outcomeName(attempt.outcome) === "OutcomeUnknown";
      if (create.chargedMicros !== null) {
        if (spentMicros < create.chargedMicros)
          problem(attempt, `charged ${create.chargedMicros}, booked ${spentMicros}`);
        const isTold = attempt.outcome?.costMicros !== null && !isGivenUp && account.canBeAsked;
        if (isTold && spentMicros !== create.chargedMicros)
          problem(attempt, `charged ${create.chargedMicros}, booked ${spentMicros}`);
      }
      const wasHanded = create.hasPicture || (await wasKept(attempt, delivered, records.blobs));
      if (wasHanded && !isStored && !isGivenUp) {
        figures.lostPictures++;
        problem(attempt, "its picture was made, and is nowhere");
      }
    }
  }
  figures.unaccounted = figures.creates - figures.stored - figures.booked;
  if (figures.unaccounted !== 0)
    problem(undefined, `${figures.unaccounted} creates are neither stored nor booked`);

  for (const attempt of attempts) {
    figures.spentMicros += spentOf(attempt);
    if (!attempt.ledgerApplied || attempt.settledMicros === null) problem(attempt, "is not settled");
    if (attempt.correctionMicros !== null && !attempt.correctionApplied)
      problem(attempt, "has an open correction");
    if (spentOf(attempt) > attempt.holdMicros)
      problem(attempt, `cost ${spentOf(attempt)}, more than was held`);
    if (!seen.has(attempt.attemptId) && spentOf(attempt) > 0) {
      figures.bookedUnseen++;
      // Nobody can tell whether a process that died right before the call had sent it; who can be asked, was.
      if (account.canBeAsked && !sent.has(attempt.attemptId))
        problem(attempt, "is booked and was never sent");
    }
  }
  return figures;
}

/** Handed to a caller who lived on to keep it, or who had kept it before it died. */
async function wasKept(
  attempt: Attempt,
  delivered: Misfortunes["delivered"],
  blobs: Records["blobs"],
): Promise<boolean> {
  const life = delivered.get(attempt.attemptId);
  return life !== undefined && (!life.wasCut || (await keptOutputs(attempt, blobs)).length > 0);
}

/** @param isWhole false: what arrived is what a fault made of it, the same for many */
async function hasPictures(
  attempt: Attempt,
  isWhole: boolean,
  { blobs }: Records,
  shas: Map<string, string>,
  problem: (attempt: Attempt, what: string) => void,
): Promise<boolean> {
  for (const { key, sha256 } of attempt.stored) {
    const head = await blobs.head(key);
    if (head?.sha256 !== sha256) problem(attempt, `its file ${key} is missing`);
    if (!isWhole) continue;
    const other = shas.get(sha256);
    if (other !== undefined && other !== attempt.attemptId)
      problem(attempt, `its picture is that of ${other}`);
    shas.set(sha256, attempt.attemptId);
  }
  return attempt.stored.length > 0;
}

async function checkImage(image: Image, { attempts, blobs }: Records, problems: string[]): Promise<void> {
  const problem = (what: string) => problems.push(`${image.imageId} (${image.status}): ${what}`);
  const own = await attempts.ofImage(image.imageId);
  const spentMicros = own.reduce((sum, attempt) => sum + spentOf(attempt), 0);
  if (!isTerminal(image.status) && image.status !== "unknown") problem("never ended");
  if (image.status === "unknown" && spentMicros === 0) problem("is unknown without its hold booked");
  const hasCome = own.filter(({ outcome }) => outcome?.kind === "succeeded").length;
  if (image.status !== "completed" && image.status !== "quarantined") return;
  if (image.originals.length === 0) problem("has no original");
  for (const { key, sha256 } of [...image.originals]) {
    if ((await blobs.head(key))?.sha256 !== sha256) problem(`its original ${key} is missing`);
  }
  if (hasCome === 0) problem("is completed without a success");
  if (image.manifestKey === null || !(await blobs.head(image.manifestKey))) problem("has no manifest");
}

/** An image ends once: whatever is told again is told in the same words. */
function checkEvents(published: readonly Parameters<Events["publish"]>[0][], problems: string[]): void {
  const ends = new Map<string, Set<string>>();
  for (const { type, detail } of published) {
    if (!("image_id" in detail)) continue;
    const { image_id: imageId } = detail;
    ends.set(imageId, (ends.get(imageId) ?? new Set()).add(type));
  }
  for (const [imageId, types] of ends) {
    if (types.size > 1) problems.push(`${imageId} was told to have ended as ${[...types].join(" and ")}`);
  }
}

function spentOf({ settledMicros, correctionMicros }: Attempt): number {
  return (settledMicros ?? 0) + (correctionMicros ?? 0);
}

function outcomeName(outcome: Attempt["outcome"]): string | null {
  return outcome?.kind === "failed" ? outcome.name : null;
}

function told(attempt: Attempt): string {
  const { state, outcome, settledMicros, correctionMicros, generation, operation } = attempt;
  return JSON.stringify({ state, outcome, settledMicros, correctionMicros, generation, operation });
}
