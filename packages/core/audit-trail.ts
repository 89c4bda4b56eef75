/** @module The audit as a whole: held against its chains, written out, and as documents. */
import * as z from "zod";
import { AUDIT_KINDS, type ChainLink, type ChainProof, verifyChain } from "./audit-chain.ts";
import { instant } from "./document-fields.ts";
import { AtelierError } from "./errors.ts";
import { all } from "./pages.ts";
import type { Audit, AuditEntry, Page } from "./ports.ts";

interface Known {
  readonly audit: Pick<Audit, "chainOf" | "heads" | "list">;
}

export const auditDocumentSchema = z.object({
  audit_id: z
    .string()
    .describe("The entry's id, derived from what it tells: the same again is the same entry."),
  subject: z
    .string()
    .describe(
      "What it is about: an image, a request, or such as `budget:day`, `terms:replicate`, `age:NAME`.",
    ),
  kind: z
    .enum(AUDIT_KINDS)
    .describe(
      "`asked`: images of a request were planned; `decided`: a model was chosen for an image; `bought`: a paid call; `released`: an image ended with a picture, whatever the verdict in `facts` says; `refused`: a request was refused, or an image ended without a verdict; `limit-changed`: of a budget; `resumed`: an interrupted part of a request was taken up again; `cancelled`; `reviewed`: a person decided about a picture; `attested`: an operator's word was given or withdrawn; `restrained`: a caller was suspended for probing the policy, or let go; `erased`: files, texts and details were removed; `reprocessed`: a version was asked for or made; `version-chosen`: another version became the current one.",
    ),
  phase: z
    .enum(["intended", "done"])
    .describe("`intended` is written before something that cannot be taken back, `done` after it."),
  attempt_id: z.string().nullable().describe("The attempt that it is about; null where it is about none."),
  at: instant("When it was written."),
  by: z
    .string()
    .describe(
      "Who acted: a token's subject, the operating system's user, a function; once erased, a pseudonym.",
    ),
  facts: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
    .describe(
      "What is to be known about it, by name; never a prompt. Amounts in micro-dollars have names in `Micros`.",
    ),
});
export type AuditDocument = z.infer<typeof auditDocumentSchema>;

export function auditDocument(entry: AuditEntry): AuditDocument {
  return {
    audit_id: entry.auditId,
    subject: entry.subject,
    kind: entry.kind,
    phase: entry.phase,
    attempt_id: entry.attemptId,
    at: new Date(entry.atMs).toISOString(),
    by: entry.by,
    facts: entry.facts,
  };
}

export const exportedEntryDocumentSchema = auditDocumentSchema.extend({
  sequence: z.int().nullable(),
  previous_hash: z.string().nullable(),
  hash: z.string().nullable(),
  personal_digest: z.string().nullable(),
  salt: z.string().nullable(),
});

/** With what proves it; entries of the first release have no hashes. */
export function exportedEntryDocument(
  entry: AuditEntry & Partial<ChainLink>,
): z.infer<typeof exportedEntryDocumentSchema> {
  return {
    ...auditDocument(entry),
    sequence: entry.sequence ?? null,
    previous_hash: entry.previousHash ?? null,
    hash: entry.hash ?? null,
    personal_digest: entry.personalDigest ?? null,
    salt: entry.salt ?? null,
  };
}

export const chainProofDocumentSchema = z.object({
  subject: z.string().describe("Whose chain it is."),
  entries: z.int().describe("How many entries there are."),
  head: z
    .string()
    .nullable()
    .describe(
      "The newest hash, to be kept elsewhere: only with it does a chain that was made anew as a whole show. Null without entries.",
    ),
  problems: z
    .array(z.string())
    .describe("What is wrong, in words, each with its entry; empty when the chain holds."),
});

/**
 * Newest first; of one subject, oldest first.
 *
 * @param subject null: every one
 * @throws AtelierError `UsageError` for a cursor that is none
 */
export async function auditPage(
  subject: string | null,
  page: { readonly limit: number; readonly cursor?: string },
  { audit }: { readonly audit: Pick<Audit, "list" | "ofSubject"> },
): Promise<Page<AuditEntry>> {
  if (subject === null) return audit.list(page);
  // A subject has a few dozen entries: they come as one, and a page begins at a number.
  const { cursor = "0" } = page;
  if (!/^\d{1,9}$/.test(cursor)) {
    throw new AtelierError("UsageError", "The cursor is not one that the list gave out; start without one.");
  }
  const entries = await audit.ofSubject(subject);
  const end = Number(cursor) + page.limit;
  return { items: entries.slice(Number(cursor), end), cursor: end < entries.length ? String(end) : null };
}

/** @param subject null: every one. @throws AtelierError `UnknownName` for a subject that the audit does not know */
export async function* verifyAudit(subject: string | null, known: Known): AsyncGenerator<ChainProof> {
  for (const each of await subjectsOf(subject, known)) yield await provenChain(each, known);
}

async function provenChain(subject: string, { audit }: Known): Promise<ChainProof> {
  const proof = verifyChain(await audit.chainOf(subject));
  // A writer may stand between head and entry at this very moment: what is wrong stays wrong.
  return proof.problems.length === 0 ? proof : verifyChain(await audit.chainOf(subject));
}

/** Subject by subject, in the order of their chains. */
export async function* exportAudit(subject: string | null, known: Known): AsyncGenerator<AuditEntry> {
  for (const each of await subjectsOf(subject, known)) {
    const { unchained, chained } = await known.audit.chainOf(each);
    yield* unchained;
    yield* chained;
  }
}

async function knownSubject(subject: string, { audit }: Known): Promise<void> {
  const { head, chained, unchained } = await audit.chainOf(subject);
  if (head || chained.length + unchained.length > 0) return;
  throw new AtelierError(
    "UnknownName",
    `The audit has nothing about "${subject}"; \`atelier audit\` lists it.`,
  );
}

/** Those with a head, whether or not an entry is left of them, and those of the first release. */
async function subjectsOf(subject: string | null, known: Known): Promise<string[]> {
  if (subject !== null) {
    await knownSubject(subject, known);
    return [subject];
  }
  const subjects = new Set<string>();
  for await (const { subject: each } of all(known.audit.heads)) subjects.add(each);
  for await (const { subject: each } of all(known.audit.list)) subjects.add(each);
  return [...subjects].sort();
}
