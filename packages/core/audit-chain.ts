/**
 * @module The audit of a subject as a chain: each entry carries the hash of the one before it and its own, and a head that
 * stands apart names the newest. Whatever is changed, left out, put between or cut off shows.
 *
 * What tells of a person (who acted, the hash of a prompt) goes into the hash through a salted digest: it can be taken out
 * later, with its salt, and the chain still holds.
 */
import { createHash } from "node:crypto";
import type { AuditEntry } from "./ports.ts";

export const AUDIT_KINDS = [
  "asked",
  "decided",
  "bought",
  "refused",
  "released",
  "limit-changed",
  "resumed",
  "cancelled",
  /** A person decided about a picture. */
  "reviewed",
  /** An operator's word for terms or a viewer's age, given or withdrawn. */
  "attested",
  /** A caller was suspended for probing, or the suspension lifted. */
  "restrained",
  /** Files, texts and records of a subject were removed. */
  "erased",
  /** A version of a picture was made by a recipe. */
  "reprocessed",
  /** Another version became the current one. */
  "version-chosen",
] as const;

/** Facts that tell of a person, beside who acted. */
export const PERSONAL_FACTS: readonly string[] = [
  "promptHash",
  "caller",
  "reviewers",
  "attestedBy",
  "liftedBy",
  "viewer",
];

export interface ChainLink {
  /** From 1; unchained entries that stood before the chain count as well. */
  readonly sequence: number;
  readonly previousHash: string;
  readonly hash: string;
  readonly personalDigest: string;
  /** 32 hexadecimal digits; null once the personal part was taken out. */
  readonly salt: string | null;
}
export type ChainedEntry = AuditEntry & ChainLink;

/** Entries of a subject as they are stored, in any order; those of the first release are unchained. */
export interface StoredChain {
  readonly subject: string;
  readonly unchained: readonly AuditEntry[];
  readonly chained: readonly ChainedEntry[];
  /** The newest entry, as the head has it. */
  readonly head: ChainedEntry | null;
}

export interface ChainProof {
  readonly subject: string;
  readonly entries: number;
  /** The newest hash, to be kept elsewhere: only with it does a chain that was made anew as a whole show. Null without entries. */
  readonly head: string | null;
  /** Empty when the chain holds. In words, each with the entry that it is about. */
  readonly problems: readonly string[];
}

/** @param previous the head; null: the subject's first chained entry, which then vouches for the unchained ones */
export function linkedEntry(
  entry: AuditEntry,
  previous: ChainLink | null,
  unchained: readonly AuditEntry[],
  salt: string,
): ChainedEntry {
  const link = {
    sequence: (previous?.sequence ?? unchained.length) + 1,
    previousHash: previous?.hash ?? genesisHash(entry.subject, unchained),
    personalDigest: personalDigest(entry, salt),
  };
  return { ...entry, ...link, salt, hash: entryHash({ ...entry, ...link }) };
}

/** The entry without what tells of a person; its hash is the same. */
export function pseudonymised(entry: ChainedEntry): ChainedEntry {
  const facts = Object.entries(entry.facts).filter(([name]) => !PERSONAL_FACTS.includes(name));
  return { ...entry, by: pseudonymOf(entry), facts: Object.fromEntries(facts), salt: null };
}

export function isPseudonymised(entry: ChainedEntry): boolean {
  return entry.salt === null;
}

export function verifyChain({ subject, unchained, chained, head }: StoredChain): ChainProof {
  const entries = chained.toSorted((one, other) => one.sequence - other.sequence);
  const problems: string[] = [];
  let expected = { sequence: unchained.length + 1, previousHash: genesisHash(subject, unchained) };
  for (const entry of entries) {
    const { sequence, auditId } = entry;
    const named = `entry ${sequence} (${auditId})`;
    if (entry.subject !== subject) problems.push(`${named} belongs to ${entry.subject}`);
    if (entry.hash !== entryHash(entry)) problems.push(`${named} was changed`);
    else if (!personalHolds(entry)) problems.push(`${named} was changed in who acted or what was hashed`);
    if (sequence > expected.sequence) {
      problems.push(
        sequence === expected.sequence + 1
          ? `entry ${expected.sequence} is missing`
          : `entries ${expected.sequence} to ${sequence - 1} are missing`,
      );
    } else if (sequence < expected.sequence) {
      problems.push(`${named} stands twice, or entries before the chain were added`);
    } else if (entry.previousHash !== expected.previousHash) {
      problems.push(`${named} does not follow the entry before it`);
    }
    expected = { sequence: sequence + 1, previousHash: entry.hash };
  }
  return {
    subject,
    entries: unchained.length + entries.length,
    head: entries.at(-1)?.hash ?? null,
    problems: [...problems, ...headProblems(head, entries.at(-1))],
  };
}

function headProblems(head: ChainedEntry | null, last: ChainedEntry | undefined): string[] {
  if (!head)
    return last
      ? [`the head is missing: whether entries after ${last.sequence} were cut off is not known`]
      : [];
  // A writer that was killed between head and entry: the head has the entry, and the next writer puts it in its place.
  if (head.hash !== entryHash(head)) return [`the head (entry ${head.sequence}) was changed`];
  const isBehind = last && last.sequence > head.sequence;
  if (isBehind)
    return [
      `entry ${last.sequence} (${last.auditId}) was added past the head, which names entry ${head.sequence}`,
    ];
  if (head.sequence !== last?.sequence) return [`entry ${head.sequence} (${head.auditId}) was cut off`];
  return head.hash === last.hash ? [] : [`entry ${last.sequence} is not the one that the head names`];
}

/** Vouches for the entries that stood before the chain began. */
function genesisHash(subject: string, unchained: readonly AuditEntry[]): string {
  const inOrder = unchained.toSorted((one, other) => (one.auditId < other.auditId ? -1 : 1));
  return sha256(canonicalJson({ chain: "atelier-audit-1", subject, before: inOrder.map(plain) }));
}

function entryHash(entry: AuditEntry & Omit<ChainLink, "hash" | "salt">): string {
  const { by: _, facts, ...rest } = plain(entry);
  const { sequence, previousHash, personalDigest } = entry;
  const open = Object.entries(facts).filter(([name]) => !PERSONAL_FACTS.includes(name));
  return sha256(
    canonicalJson({ ...rest, facts: Object.fromEntries(open), sequence, previousHash, personalDigest }),
  );
}

function personalDigest({ by, facts }: AuditEntry, salt: string): string {
  const personal = Object.entries(facts).filter(([name]) => PERSONAL_FACTS.includes(name));
  return sha256(canonicalJson({ by, facts: Object.fromEntries(personal), salt }));
}

function personalHolds(entry: ChainedEntry): boolean {
  if (entry.salt !== null) return entry.personalDigest === personalDigest(entry, entry.salt);
  const isBare = Object.keys(entry.facts).every((name) => !PERSONAL_FACTS.includes(name));
  return isBare && entry.by === pseudonymOf(entry);
}

function pseudonymOf({ personalDigest }: ChainLink): string {
  return `person-${personalDigest.slice(0, 12)}`;
}

/** The fields of an entry alone, whatever it was stored with. */
function plain({ auditId, subject, kind, phase, attemptId, atMs, by, facts }: AuditEntry): AuditEntry {
  return { auditId, subject, kind, phase, attemptId, atMs, by, facts };
}

/** One text for one value: keys in order, no blanks. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const fields = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`).join(",")}}`;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
