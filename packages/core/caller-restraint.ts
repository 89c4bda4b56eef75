/**
 * @module How a caller who probes the policy is slowed down, then stopped: refusals in a window are counted, further requests
 * wait longer and longer, and too many suspend the caller until an operator lifts it. Pure: the store is elsewhere.
 */
import * as z from "zod";

/** One per caller. Times are milliseconds since 1970. */
export const callerRestraintSchema = z.strictObject({
  /** When the refusals of the window happened, the oldest first; no more than are needed to suspend. */
  refusedAtMs: z.array(z.int().nonnegative()),
  /** Requests before this are turned away; 0: none are. */
  notBeforeMs: z.int().nonnegative(),
  /** Set once too many requests were refused, and kept until an operator lifts it. */
  suspendedAtMs: z.int().nonnegative().nullable(),
  /** Who lifted the last suspension, when and why; for the audit. */
  lifted: z
    .strictObject({ by: z.string().min(1), atMs: z.int().nonnegative(), reason: z.string().min(1) })
    .nullable(),
});
export type CallerRestraint = z.infer<typeof callerRestraintSchema>;

export const UNRESTRAINED: CallerRestraint = {
  refusedAtMs: [],
  notBeforeMs: 0,
  suspendedAtMs: null,
  lifted: null,
};

export interface RestraintLimits {
  /** Refusals older than this no longer count. */
  readonly windowMs: number;
  /** So many refusals in the window cost nothing: a mistake is not a probe. */
  readonly freeRefusals: number;
  /** The wait after the first refusal beyond; it doubles with each further one. */
  readonly firstDelayMs: number;
  readonly delayMaxMs: number;
  /** So many refusals in the window suspend. */
  readonly suspendAfter: number;
}

export const DEFAULT_RESTRAINT_LIMITS: RestraintLimits = {
  windowMs: 24 * 60 * 60 * 1000,
  freeRefusals: 3,
  firstDelayMs: 1_000,
  delayMaxMs: 60 * 60 * 1000,
  suspendAfter: 20,
};

export type RestraintEvent =
  | { readonly kind: "refused" }
  /** The only way out of a suspension. */
  | { readonly kind: "lifted"; readonly by: string; readonly reason: string };

/** The record after an event. A refusal counts also while the caller waits or is suspended. */
export function afterEvent(
  state: CallerRestraint,
  event: RestraintEvent,
  nowMs: number,
  limits: RestraintLimits = DEFAULT_RESTRAINT_LIMITS,
): CallerRestraint {
  if (event.kind === "lifted") {
    return { ...UNRESTRAINED, lifted: { by: event.by, atMs: nowMs, reason: event.reason } };
  }
  const refusedAtMs = [...state.refusedAtMs, nowMs]
    // A clock that was set back must not make a refusal count for longer than a window.
    .map((atMs) => Math.min(atMs, nowMs))
    .filter((atMs) => nowMs - atMs < limits.windowMs)
    .slice(-limits.suspendAfter);
  const beyond = refusedAtMs.length - limits.freeRefusals;
  const delayMs = beyond <= 0 ? 0 : Math.min(limits.delayMaxMs, limits.firstDelayMs * 2 ** (beyond - 1));
  return {
    ...state,
    refusedAtMs,
    notBeforeMs: Math.max(state.notBeforeMs, delayMs === 0 ? 0 : nowMs + delayMs),
    suspendedAtMs: state.suspendedAtMs ?? (refusedAtMs.length >= limits.suspendAfter ? nowMs : null),
  };
}

export type RestraintDecision =
  | { readonly kind: "admitted" }
  | { readonly kind: "wait"; readonly retryAfterMs: number }
  | { readonly kind: "suspended"; readonly sinceMs: number };

/** Whether a request of the caller is looked at now. Asking changes nothing. */
export function restraintDecision(state: CallerRestraint, nowMs: number): RestraintDecision {
  if (state.suspendedAtMs !== null) return { kind: "suspended", sinceMs: state.suspendedAtMs };
  if (nowMs < state.notBeforeMs) return { kind: "wait", retryAfterMs: state.notBeforeMs - nowMs };
  return { kind: "admitted" };
}
