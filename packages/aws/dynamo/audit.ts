/**
 * @module The audit trail: written once per id, chained per subject, read by subject or as a whole.
 *
 * Two writes per entry, the head first: `AUDIT#{subject} HEAD` is replaced by the new entry IF it is the one that was read, so that
 * concurrent writers cannot fork the chain; then the entry gets its own item. Whoever is killed in between has left the
 * whole entry in the head, and the next writer of the subject puts it in its place. So the head is never behind, and an
 * entry that is cut off shows.
 */
import { randomBytes as unpredictable } from "node:crypto";
import { AUDIT_KINDS, type ChainedEntry, linkedEntry, pseudonymised } from "@atelier/core/audit-chain";
import { AtelierError } from "@atelier/core/errors";
import type { RandomBytes } from "@atelier/core/ids";
import type { Audit, AuditEntry } from "@atelier/core/ports";
import { numbered } from "@atelier/core/schema-versions";
import * as z from "zod";
import type { Dynamo, Item } from "./client.ts";
import { ifAbsent, ifUnchangedSince } from "./expressions.ts";
import {
  AUDIT_HEADS,
  AUDIT_TIMELINE,
  auditHeadKey,
  auditKey,
  auditOfSubject,
  INDEXES,
  positionOf,
  positionsSince,
} from "./keys.ts";
import { itemsUnder, listPage } from "./listing.ts";
import { parseRecord } from "./records.ts";

/** Each round that fails means that another writer got on: a subject has a handful of them at most. */
const ROUNDS_MAX = 30;
const SALT_BYTES = 16;

const auditEntrySchema = z.object({
  auditId: z.string(),
  subject: z.string(),
  kind: z.enum(AUDIT_KINDS),
  phase: z.enum(["intended", "done"]),
  attemptId: z.string().nullable(),
  atMs: z.int(),
  by: z.string(),
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
}) satisfies z.ZodType<AuditEntry>;
const chainedEntrySchema = auditEntrySchema.extend({
  sequence: z.int().positive(),
  previousHash: z.string(),
  hash: z.string(),
  personalDigest: z.string(),
  salt: z.string().nullable(),
}) satisfies z.ZodType<ChainedEntry>;

const plainKind = { name: "audit entry", schema: auditEntrySchema } as const;
const chainedKind = { name: "audit entry", schema: chainedEntrySchema } as const;

/** @param randomBytes for the salts of personal parts */
export function createAudit(dynamo: Dynamo, randomBytes: RandomBytes = unpredictable): Audit {
  async function headOf(subject: string): Promise<ChainedEntry | null> {
    const item = await dynamo.get(auditHeadKey(subject));
    return item ? parseRecord(chainedKind, item) : null;
  }

  const putHead = (head: ChainedEntry, before: ChainedEntry | null) =>
    dynamo.put(
      {
        ...numbered(chainedKind.name, head),
        // Never changes, so that the index is written once per subject.
        [INDEXES.timeline.hash]: AUDIT_HEADS,
        [INDEXES.timeline.range]: positionOf(0, head.subject),
        ...auditHeadKey(head.subject),
      },
      before ? ifUnchangedSince("hash", before.hash) : ifAbsent(),
    );

  const itemOf = (entry: AuditEntry) => ({
    ...numbered(plainKind.name, entry),
    [INDEXES.timeline.hash]: AUDIT_TIMELINE,
    [INDEXES.timeline.range]: positionOf(entry.atMs, entry.auditId),
    ...auditKey(entry.subject, entry.auditId),
  });

  async function chainOf(subject: string) {
    // The head first: what is written after it was read is newer than it, and never older.
    const head = await headOf(subject);
    const items = await itemsUnder(auditOfSubject(subject), dynamo);
    const chained = items.filter(isChained).map((item) => parseRecord(chainedKind, item));
    const unchained = items
      .filter((item) => !isChained(item))
      .map((item) => parseRecord(plainKind, item))
      .sort((one, other) => one.atMs - other.atMs || (one.auditId < other.auditId ? -1 : 1));
    return { subject, head, unchained, chained: chained.sort((one, other) => one.sequence - other.sequence) };
  }

  return {
    async write(entry) {
      for (let round = 0; round < ROUNDS_MAX; round++) {
        const head = await headOf(entry.subject);
        if (head?.auditId === entry.auditId) return void (await dynamo.put(itemOf(head), ifAbsent()));
        const [own, newest] = await Promise.all([
          dynamo.get(auditKey(entry.subject, entry.auditId)),
          head ? dynamo.get(auditKey(head.subject, head.auditId)) : undefined,
        ]);
        if (own) return;
        if (head && !newest) await dynamo.put(itemOf(head), ifAbsent());
        const unchained = head ? [] : (await chainOf(entry.subject)).unchained;
        const salt = Buffer.from(randomBytes(SALT_BYTES)).toString("hex");
        const linked = linkedEntry(entry, head, unchained, salt);
        if (!(await putHead(linked, head))) continue;
        await dynamo.put(itemOf(linked), ifAbsent());
        return;
      }
      throw new AtelierError(
        "StorageUnavailable",
        `The audit of ${entry.subject} is being written by too many at once; try again.`,
      );
    },

    async ofSubject(subject) {
      const { unchained, chained } = await chainOf(subject);
      return [...unchained, ...chained].map((entry) => auditEntrySchema.parse(entry));
    },

    list: (page) =>
      listPage(
        {
          query: "audit",
          newestFirst: true,
          sources: [{ index: "timeline", hash: AUDIT_TIMELINE, ...positionsSince(0) }],
          parse: (item) => parseRecord(plainKind, item),
          matches: () => true,
        },
        page,
        dynamo,
      ),

    chainOf,

    heads: (page) =>
      listPage(
        {
          query: "audit heads",
          newestFirst: false,
          sources: [{ index: "timeline", hash: AUDIT_HEADS, ...positionsSince(0) }],
          parse: (item) => parseRecord(chainedKind, item),
          matches: () => true,
        },
        page,
        dynamo,
      ),

    async pseudonymise(subject, by) {
      const isMeant = (entry: AuditEntry) => by === undefined || entry.by === by;
      const { unchained, chained, head } = await chainOf(subject);
      const meant = chained.filter(isMeant);
      for (const entry of meant) await dynamo.put(itemOf(pseudonymised(entry)));
      for (let found = head; found && found.salt !== null && isMeant(found); found = await headOf(subject)) {
        await putHead(pseudonymised(found), found);
      }
      return { pseudonymised: meant.length, left: unchained.filter(isMeant).length };
    },
  };
}

function isChained(item: Item): boolean {
  return "hash" in item;
}
