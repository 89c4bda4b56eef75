/**
 * @module Callers whose prompts are refused again and again: counted where requests are accepted, made to wait, then suspended
 * (`caller-restraint.ts` says when). Nobody sleeps: a caller who must wait is told until when.
 */
import * as z from "zod";
import { type AuditDeps, audited } from "./audit.ts";
import {
  afterEvent,
  callerRestraintSchema,
  DEFAULT_RESTRAINT_LIMITS,
  type RestraintEvent,
  type RestraintLimits,
  restraintDecision,
  UNRESTRAINED,
} from "./caller-restraint.ts";
import { AtelierError } from "./errors.ts";

export const callerRecordSchema = z.object({
  /** The operating system's user, or a token's subject. */
  caller: z.string().min(1),
  /** From 1; each write raises it by one. */
  revision: z.int().positive(),
  restraint: callerRestraintSchema,
});
export type CallerRecord = z.infer<typeof callerRecordSchema>;

export interface Callers {
  get(caller: string): Promise<CallerRecord | undefined>;
  /** False when the stored revision is not `record.revision - 1` (no record: 0). */
  write(record: CallerRecord): Promise<boolean>;
  all(): Promise<readonly CallerRecord[]>;
}

export interface ProbingDeps extends AuditDeps {
  readonly callers: Callers;
}

/** A file of prompts may hold one mistake many times: so many of one command's refusals count. */
export const REFUSALS_COUNTED_MAX = 3;

const RACES_MAX = 20;

const RULES = { wait: "probing-wait", suspended: "probing-suspended" } as const;

/** Whether a refusal's rule says that the caller is held back, rather than that a prompt was judged. */
export function isRestraint(rule: string): boolean {
  return Object.values<string>(RULES).includes(rule);
}

/**
 * Before a request is looked at.
 *
 * @throws AtelierError `PolicyRefused` with the rule `probing-wait` (and `retryAfterMs`) or `probing-suspended`
 */
export async function admitCaller(
  caller: string,
  deps: Pick<ProbingDeps, "callers" | "clock">,
): Promise<void> {
  const nowMs = deps.clock();
  const record = await deps.callers.get(caller);
  const decision = restraintDecision(record?.restraint ?? UNRESTRAINED, nowMs);
  if (decision.kind === "wait") {
    const at = new Date(nowMs + decision.retryAfterMs).toISOString();
    throw new AtelierError(
      "PolicyRefused",
      `Too many prompts were refused lately; ask again in ${Math.ceil(decision.retryAfterMs / 1000)} s (${at}).`,
      { data: { rule: RULES.wait, retryAfterMs: decision.retryAfterMs } },
    );
  }
  if (decision.kind === "suspended") {
    throw new AtelierError(
      "PolicyRefused",
      `${caller} is suspended since ${new Date(decision.sinceMs).toISOString()}: too many prompts were refused. An operator lifts it with \`atelier review lift --caller ${caller}\`.`,
      { data: { rule: RULES.suspended } },
    );
  }
}

/** @param refusals of this command or call, by the content policy alone */
export async function countRefusals(
  caller: string,
  refusals: number,
  deps: ProbingDeps,
  limits: RestraintLimits = DEFAULT_RESTRAINT_LIMITS,
): Promise<void> {
  const events = Array.from({ length: Math.min(refusals, REFUSALS_COUNTED_MAX) }, () => ({
    kind: "refused" as const,
  }));
  if (events.length === 0) return;
  const { before, after } = await changed(caller, events, deps, limits);
  const { suspendedAtMs } = after.restraint;
  if (suspendedAtMs === null || before?.restraint.suspendedAtMs != null) return;
  await audited(
    {
      subject: `caller:${caller}`,
      kind: "restrained",
      phase: "done",
      occasion: String(suspendedAtMs),
      facts: { action: "suspended", refusals: after.restraint.refusedAtMs.length },
    },
    deps,
  );
}

/**
 * @returns false when the caller was neither suspended nor waiting: nothing was changed
 */
export async function liftRestraint(
  caller: string,
  lifting: { readonly by: string; readonly reason: string },
  deps: ProbingDeps,
): Promise<boolean> {
  const record = await deps.callers.get(caller);
  if (!record || restraintDecision(record.restraint, deps.clock()).kind === "admitted") return false;
  const { after } = await changed(caller, [{ kind: "lifted", ...lifting }], deps, DEFAULT_RESTRAINT_LIMITS);
  await audited(
    {
      subject: `caller:${caller}`,
      kind: "restrained",
      phase: "done",
      occasion: `lifted ${after.revision}`,
      // The reason stands in the record.
      facts: { action: "lifted", liftedBy: lifting.by },
    },
    deps,
  );
  return true;
}

async function changed(
  caller: string,
  events: readonly RestraintEvent[],
  { callers, clock }: Pick<ProbingDeps, "callers" | "clock">,
  limits: RestraintLimits,
): Promise<{ before: CallerRecord | undefined; after: CallerRecord }> {
  for (let race = 0; race < RACES_MAX; race++) {
    const before = await callers.get(caller);
    const nowMs = clock();
    const restraint = events.reduce(
      (state, event) => afterEvent(state, event, nowMs, limits),
      before?.restraint ?? UNRESTRAINED,
    );
    const after = { caller, revision: (before?.revision ?? 0) + 1, restraint };
    if (await callers.write(after)) return { before, after };
  }
  throw new AtelierError("StorageUnavailable", `The record of the caller ${caller} changes all the time.`);
}
