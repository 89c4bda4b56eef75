/** @module The audit trail: written once per id, read by subject or as a whole. */
import type { Audit, AuditEntry } from "@atelier/core/ports";
import * as z from "zod";
import type { Dynamo } from "./client.ts";
import { ifAbsent } from "./expressions.ts";
import { AUDIT_TIMELINE, auditKey, auditOfSubject, INDEXES, positionOf, positionsSince } from "./keys.ts";
import { itemsUnder, listPage } from "./listing.ts";
import { parseRecord } from "./records.ts";

const auditEntrySchema = z.object({
  auditId: z.string(),
  subject: z.string(),
  kind: z.enum(["asked", "decided", "bought", "refused", "released", "limit-changed", "resumed"]),
  phase: z.enum(["intended", "done"]),
  attemptId: z.string().nullable(),
  atMs: z.int(),
  by: z.string(),
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
}) satisfies z.ZodType<AuditEntry>;

const kind = { name: "audit entry", schema: auditEntrySchema };

export function createAudit(dynamo: Dynamo): Audit {
  return {
    async write(entry) {
      await dynamo.put(
        {
          ...entry,
          [INDEXES.timeline.hash]: AUDIT_TIMELINE,
          [INDEXES.timeline.range]: positionOf(entry.atMs, entry.auditId),
          ...auditKey(entry.subject, entry.auditId),
        },
        ifAbsent(),
      );
    },

    async ofSubject(subject) {
      const items = await itemsUnder(auditOfSubject(subject), dynamo);
      return items
        .map((item) => parseRecord(kind, item))
        .sort((one, other) => one.atMs - other.atMs || (one.auditId < other.auditId ? -1 : 1));
    },

    list: (page) =>
      listPage(
        {
          query: "audit",
          newestFirst: true,
          sources: [{ index: "timeline", hash: AUDIT_TIMELINE, ...positionsSince(0) }],
          parse: (item) => parseRecord(kind, item),
          matches: () => true,
        },
        page,
        dynamo,
      ),
  };
}
