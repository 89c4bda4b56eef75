/** @module The audit's entries: what is written, under an id that makes writing it again harmless. */
import { auditIdOf, type Clock } from "./ids.ts";
import type { Audit, AuditEntry } from "./ports.ts";

export interface AuditFacts {
  /** An image, a request, a budget scope. */
  readonly subject: string;
  readonly kind: AuditEntry["kind"];
  /** `intended` is written before something that cannot be taken back, `done` after it. */
  readonly phase: AuditEntry["phase"];
  readonly attemptId?: string | null;
  /** Never a prompt. */
  readonly facts: AuditEntry["facts"];
  /** Distinguishes entries of one kind that may happen more than once to a subject, such as limit changes. */
  readonly occasion?: string;
}

export interface AuditDeps {
  readonly audit: Pick<Audit, "write">;
  readonly clock: Clock;
  /** Who acts: the operating system's user, an API caller, the function. */
  readonly actor: string;
}

export async function audited(entry: AuditFacts, deps: AuditDeps): Promise<void> {
  const attemptId = entry.attemptId ?? null;
  await deps.audit.write({
    auditId: auditIdOf(entry.subject, entry.kind, entry.phase, entry.occasion ?? attemptId ?? ""),
    subject: entry.subject,
    kind: entry.kind,
    phase: entry.phase,
    attemptId,
    atMs: deps.clock(),
    by: deps.actor,
    facts: entry.facts,
  });
}
