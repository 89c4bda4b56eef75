/**
 * @module What is remembered about a provider account: tokens of its bucket, its rests, its breaker, its quotas. Types and
 * schema only; the arithmetic is in `pacing.ts`, the storing in an adapter.
 */
import * as z from "zod";

/** What opens a breaker: faults in a row, or an account that the provider refuses, which only a person mends. */
export const circuitCauseSchema = z.enum(["fault", "KeyRefused", "OutOfCredit"]);
export type CircuitCause = z.infer<typeof circuitCauseSchema>;

export const pacingRowSchema = z.object({
  provider: z.string(),
  /** Raised by each write, from 1; 0: never written. */
  revision: z.int().nonnegative(),
  /** Tokens in the bucket at `refilledAtMs`; a create takes one. Below zero after a rest that the provider asked for. */
  tokens: z.number(),
  /** The latest time at which a token was taken, by the clock that was furthest ahead. */
  refilledAtMs: z.number(),
  /**
   * How many tokens were taken in each slice of the last window, the newest slice (that of `refilledAtMs`) first; see
   * `pacing-bucket.ts`.
   */
  taken: z.array(z.int().nonnegative()),
  /** Where the line of those that were told to wait ends, per lane: a hint that spreads them, not a promise. */
  lineEndsAtMs: z.object({ plan: z.number(), interactive: z.number() }),
  /** The same for those that wait for a place among `running`. */
  placesLineEndsAtMs: z.number(),
  /** The provider asked to be left alone until then; 0: it did not. */
  restUntilMs: z.number(),
  /** Creates in a row that ended in a fault of the provider. */
  faults: z.int().nonnegative(),
  /** The breaker is open until then; 0: closed. */
  openUntilMs: z.number(),
  /** How long it was opened last; doubles with each failed probe. */
  openForMs: z.number(),
  /** Why it is open: faults, or a refused key or an empty account. */
  openedBy: circuitCauseSchema.nullable(),
  /** Half open: the one attempt that may try, and until when its turn counts. */
  probe: z.object({ attemptId: z.string(), untilMs: z.number() }).nullable(),
  /** Creates of the local day and month. Counted where the provider has a quota. */
  day: z.object({ date: z.string(), creates: z.int().nonnegative() }),
  month: z.object({ month: z.string(), creates: z.int().nonnegative() }),
  /** Jobs that may be running, where the provider limits them: attempt id to when its place lapses by itself. */
  running: z.record(z.string(), z.number()),
});
export type PacingRow = z.infer<typeof pacingRowSchema>;

/** An account of which nothing is known: a full bucket, a closed breaker. */
export function emptyPacingRow(provider: string): PacingRow {
  return {
    provider,
    revision: 0,
    tokens: 0,
    refilledAtMs: 0,
    taken: [],
    lineEndsAtMs: { plan: 0, interactive: 0 },
    placesLineEndsAtMs: 0,
    restUntilMs: 0,
    faults: 0,
    openUntilMs: 0,
    openForMs: 0,
    openedBy: null,
    probe: null,
    day: { date: "", creates: 0 },
    month: { month: "", creates: 0 },
    running: {},
  };
}

/** Interactive requests go before the plan's. */
export type Lane = "plan" | "interactive";

export interface PacingTurn {
  readonly provider: string;
  readonly attemptId: string;
  readonly lane: Lane;
  /** After this the job cannot run any more: its place among `concurrent` lapses. */
  readonly deadlineAtMs: number;
}

export type PacingAnswer =
  | { readonly kind: "go" }
  | {
      readonly kind: "wait";
      readonly waitMs: number;
      /** `rate`: our own bucket; `rest`: the provider said so; `concurrent`: as many jobs as it takes are running. */
      readonly reason: "rate" | "rest" | "concurrent";
    }
  /** The breaker is open: another provider is better than waiting. `waitMs` until the next probe. */
  | {
      readonly kind: "closed";
      readonly because: CircuitCause;
      readonly waitMs: number;
      readonly message: string;
    }
  /** The quota of the day or month is used up. */
  | {
      readonly kind: "quota";
      readonly scope: "day" | "month";
      readonly limit: number;
      readonly resetsAtMs: number;
    };
