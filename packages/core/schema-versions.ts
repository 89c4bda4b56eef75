/**
 * @module Which form each kind of stored record has, and how older forms become today's.
 *
 * A record says its number in the attribute `schema`; one without is of number 1, as the first release wrote it. Reading
 * brings a record forward, number by number, in memory; writing writes today's number. A change of single fields waits until
 * the record itself has been brought forward (see the store's `patch`), so that a stored record is never of two forms at once.
 *
 * To change what is stored of a kind: add a function to the end of its list, which makes the new form out of the last one.
 * Never change one that was released, and never take one out. A field that may be left out for good needs none.
 */
import { AtelierError } from "./errors.ts";

export type StoredItem = Readonly<Record<string, unknown>>;
/** From one number to the next. Pure; keeps the attributes that it does not know, those of keys and indexes among them. */
export type Migration = (item: StoredItem) => StoredItem;

/** Name of the attribute. */
export const SCHEMA = "schema";

/** Every kind, with what leads from number 1 to 2, from 2 to 3, and so on: today's number is one more than there are. */
const MIGRATIONS = {
  image: [adding({ askedBy: null, priority: "interactive", words: [] })],
  attempt: [adding({ followUpAtMs: null, storedAtMs: null, cancelledAtMs: null, quality: null })],
  request: [adding({ cancelledAtMs: null, askedBy: null, bodyHash: null, partsBegun: null })],
  part: [adding({ ended: null })],
  occurrence: [],
  // The first release wrote the text and today it is sealed, which needs the key: both forms are read, `renew` seals.
  prompt: [],
  review: [],
  version: [],
  fingerprint: [],
  "operation claim": [],
  ledger: [],
  // Entries of the first release are in no chain and stay so: what was written down is never touched.
  "audit entry": [],
  // The first release remembered a rest and nothing else.
  pacing: [
    adding({
      revision: 0,
      tokens: 0,
      refilledAtMs: 0,
      taken: [],
      lineEndsAtMs: { plan: 0, interactive: 0 },
      placesLineEndsAtMs: 0,
      faults: 0,
      openUntilMs: 0,
      openForMs: 0,
      openedBy: null,
      probe: null,
      day: { date: "", creates: 0 },
      month: { month: "", creates: 0 },
      running: {},
    }),
  ],
  "blocked picture": [],
  "terms attestation": [],
  "age attestation": [],
  caller: [],
  execution: [],
} as const satisfies Record<string, readonly Migration[]>;

export type StoredKind = keyof typeof MIGRATIONS;
export const STORED_KINDS = Object.keys(MIGRATIONS) as StoredKind[];

/** Today's number of a kind, from 1. */
export function schemaNumber(kind: StoredKind): number {
  return MIGRATIONS[kind].length + 1;
}

/** The record as it is to be stored. */
export function numbered<T extends object>(kind: StoredKind, record: T): T & { readonly schema: number } {
  return { ...record, [SCHEMA]: schemaNumber(kind) } as T & { readonly schema: number };
}

/** Whether a stored item is of today's number. */
export function isToday(kind: StoredKind, item: StoredItem): boolean {
  return numberOf(kind, item) === schemaNumber(kind);
}

/**
 * The item in today's form, with today's number.
 *
 * @throws AtelierError `FolderUnusable` for a number that is none, or higher than this program knows: such a record is
 *   neither read nor written over
 */
export function broughtForward(kind: StoredKind, item: StoredItem): StoredItem {
  const migrations: readonly Migration[] = MIGRATIONS[kind];
  const number = numberOf(kind, item);
  if (number === schemaNumber(kind)) return item;
  const today = migrations.slice(number - 1).reduce((older, migrate) => migrate(older), item);
  return numbered(kind, today);
}

function numberOf(kind: StoredKind, item: StoredItem): number {
  const number = item[SCHEMA] ?? 1;
  const known = schemaNumber(kind);
  if (typeof number === "number" && Number.isInteger(number) && number >= 1 && number <= known) return number;
  throw new AtelierError(
    "FolderUnusable",
    `A stored ${kind} has schema ${JSON.stringify(number)}, and this Atelier knows those up to ${known}; upgrade Atelier to read it.`,
    { data: { kind, number: String(number), known } },
  );
}

/**
 * Adds what is absent and leaves what is there: versions between the first release and the first numbers wrote some of the new
 * fields already, without a number.
 */
function adding(fields: StoredItem): Migration {
  return (item) => ({ ...fields, ...item });
}
