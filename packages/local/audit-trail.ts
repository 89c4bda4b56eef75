/** @module The audit of this machine as a whole: held against its chains, and written out. */
import { type ChainProof, verifyChain } from "@atelier/core/audit-chain";
import { AtelierError } from "@atelier/core/errors";
import type { AuditEntry } from "@atelier/core/ports";
import type { Installation } from "./installation.ts";

type Known = Pick<Installation, "audit">;
const PAGE = 100;

export async function* verifyAudit(subject: string | null, known: Known): AsyncGenerator<ChainProof> {
  for (const each of await subjectsOf(subject, known)) {
    const proof = verifyChain(await known.audit.chainOf(each));
    // A writer may stand between head and entry at this very moment: what is wrong stays wrong.
    yield proof.problems.length === 0 ? proof : verifyChain(await known.audit.chainOf(each));
  }
}

/** Subject by subject, in the order of their chains. */
export async function* exportAudit(subject: string | null, known: Known): AsyncGenerator<AuditEntry> {
  for (const each of await subjectsOf(subject, known)) {
    const { unchained, chained } = await known.audit.chainOf(each);
    yield* unchained;
    yield* chained;
  }
}

/** Those with a head, whether or not an entry is left of them, and those of the first release. */
async function subjectsOf(subject: string | null, { audit }: Known): Promise<string[]> {
  if (subject !== null) {
    const { head, chained, unchained } = await audit.chainOf(subject);
    if (head || chained.length + unchained.length > 0) return [subject];
    throw new AtelierError(
      "UnknownName",
      `The audit has nothing about "${subject}"; \`atelier audit\` lists it.`,
    );
  }
  const subjects = new Set<string>();
  for (const list of [audit.heads, audit.list]) {
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page: { items: readonly AuditEntry[]; cursor: string | null } = await list({
        limit: PAGE,
        ...(cursor !== undefined && { cursor }),
      });
      for (const entry of page.items) subjects.add(entry.subject);
      cursor = page.cursor;
    }
  }
  return [...subjects].sort();
}
