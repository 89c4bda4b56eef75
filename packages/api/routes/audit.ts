/** @module The audit: entries of a subject or of all, and the proof that a subject's chain holds. */
import {
  auditDocument,
  auditDocumentSchema,
  auditPage,
  chainProofDocumentSchema,
  verifyAudit,
} from "@atelier/core/audit-trail";
import * as z from "zod";
import type { ApiApp } from "../context.ts";
import { listOf, pageOf, pageQuery } from "../fields.ts";
import { found } from "../found.ts";
import { notFound } from "../problem.ts";
import { declared } from "../route.ts";

const entrySchema = auditDocumentSchema.meta({
  id: "AuditEntry",
  description: "Something that happened, and who did it; it is never changed afterwards.",
});
const proofSchema = chainProofDocumentSchema
  .extend({
    proved: z.boolean().meta({ description: "Nothing was changed, left out, put between or cut off." }),
  })
  .meta({ id: "AuditProof", description: "A subject's entries, held against their chain of hashes." });
const subjectSchema = z.string().min(1).max(200).meta({
  description: "What the entries are about: an image, a request, `budget:day`, `terms:replicate`, ...",
  example: "budget:day",
});

const listAudit = declared({
  method: "get",
  path: "/v1/audit",
  operationId: "listAudit",
  tags: ["audit"],
  summary: "What happened",
  description: "Newest first; of one subject, oldest first.",
  scope: "audit:read",
  request: { query: z.strictObject({ subject: subjectSchema.optional(), ...pageQuery }) },
  responses: {
    200: {
      description: "A page.",
      content: { "application/json": { schema: listOf(entrySchema, "AuditList") } },
    },
  },
  problems: ["UsageError"],
});

const getProof = declared({
  method: "get",
  path: "/v1/audit/{subject}/proof",
  operationId: "proveAudit",
  tags: ["audit"],
  summary: "Hold a subject's chain against what is stored",
  scope: "audit:read",
  request: { params: z.object({ subject: subjectSchema }) },
  responses: {
    200: { description: "What was found.", content: { "application/json": { schema: proofSchema } } },
  },
  problems: [],
});

export function addAuditRoutes(app: ApiApp): void {
  app.openapi(listAudit, async (c) => {
    const { subject = null, ...page } = c.req.valid("query");
    const { items, cursor } = await auditPage(subject, pageOf(page), c.var.deps);
    return c.json({ items: items.map(auditDocument), next_cursor: cursor }, 200);
  });

  app.openapi(getProof, async (c) => {
    const { subject } = c.req.valid("param");
    const [proof] = await found("subject", Array.fromAsync(verifyAudit(subject, c.var.deps)));
    if (!proof) throw notFound("subject");
    const { entries, head, problems } = proof;
    return c.json({ subject, entries, head, problems: [...problems], proved: problems.length === 0 }, 200);
  });
}
