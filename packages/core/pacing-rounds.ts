/**
 * @module Asking for turns together: whoever asks in one process while the store is being written goes into the next write, and
 * where demand goes on, some tokens are taken ahead. So N askers cost far fewer than N writes, and many workers do not contend for
 * one item.
 */
import type { Catalogue, ProviderLimits } from "./catalogue.ts";
import type { Clock } from "./ids.ts";
import {
  type Answered,
  type PacingRules,
  rested,
  takeTurn,
  tokensAhead,
  UNLIMITED,
  withoutPlaces,
} from "./pacing.ts";
import { needsMending, reported } from "./pacing-circuit.ts";
import {
  emptyPacingRow,
  type Lane,
  type PacingAnswer,
  type PacingRow,
  type PacingTurn,
} from "./pacing-row.ts";
import type { Attempts, Pacing, PacingStore } from "./ports.ts";

/** Reads and conditional writes for one batch; each that fails was somebody else's success. */
const ROUNDS_MAX = 20;
/** Askers in one write. */
const BATCH_MAX = 100;
/** Tokens taken ahead count this long: part of the 2.5 s that the bucket allows for lateness. */
export const LEASE_MS = 1_000;
/** After losing every round. */
const BUSY_WAIT_MS = 500;

export interface PacingDeps {
  readonly store: PacingStore;
  readonly clock: Clock;
  /** Undefined: a provider without limits. */
  readonly limitsOf: (provider: string) => ProviderLimits | undefined;
  readonly timezone: string;
  /** Whether the attempt's job may still be running at the provider; see `jobRunning`. */
  readonly isRunning: (attemptId: string) => Promise<boolean>;
}

interface Ask {
  readonly turn: PacingTurn;
  readonly resolve: (answer: PacingAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/** What this process knows about one account. */
interface Account {
  readonly provider: string;
  readonly asks: Ask[];
  isAsking: boolean;
  readonly ahead: Record<Lane, { tokens: number; untilMs: number }>;
  /** When turns were asked for lately: how many to take ahead. */
  askedAtMs: number[];
  seen: PacingRow | undefined;
}

/** The limits that the catalogue gives its providers. */
export function limitsIn(catalogue: Pick<Catalogue, "providers">): PacingDeps["limitsOf"] {
  const limits = new Map(catalogue.providers.map((provider) => [provider.name, provider.limits]));
  return (provider) => limits.get(provider);
}

/** An attempt without an outcome or a settlement may be running. */
export function jobRunning(attempts: Pick<Attempts, "get">): PacingDeps["isRunning"] {
  return async (attemptId) => {
    const attempt = await attempts.get(attemptId);
    return attempt !== undefined && attempt.outcome === null && attempt.settledMicros === null;
  };
}

/** One per process. @throws (every method) what the store throws */
export function createPacing(deps: PacingDeps): Pacing {
  const accounts = new Map<string, Account>();
  const accountOf = (provider: string): Account => {
    const known = accounts.get(provider);
    if (known) return known;
    const made = newAccount(provider);
    accounts.set(provider, made);
    return made;
  };

  return {
    async take(turn) {
      const account = accountOf(turn.provider);
      const nowMs = deps.clock();
      account.askedAtMs = [...account.askedAtMs.filter((atMs) => atMs > nowMs - LEASE_MS), nowMs];
      if (takeAhead(account, turn.lane, nowMs)) return { kind: "go" };
      return new Promise((resolve, reject) => {
        account.asks.push({ turn, resolve, reject });
        if (!account.isAsking) void askAll(account, deps);
      });
    },

    async restUntil(provider, untilMs) {
      const account = accountOf(provider);
      forgetAhead(account);
      const limits = deps.limitsOf(provider) ?? UNLIMITED;
      await changed(account, (row, nowMs) => rested(row, untilMs, limits, nowMs), deps);
    },

    async report(provider, attemptId, result) {
      const account = accountOf(provider);
      if (result === "reached" && account.seen && !needsMending(account.seen)) return;
      if (result !== "reached") forgetAhead(account);
      await changed(account, (row, nowMs) => reported(row, attemptId, result, nowMs), deps);
    },
  };
}

function newAccount(provider: string): Account {
  return {
    provider,
    asks: [],
    isAsking: false,
    ahead: { plan: { tokens: 0, untilMs: 0 }, interactive: { tokens: 0, untilMs: 0 } },
    askedAtMs: [],
    seen: undefined,
  };
}

function takeAhead(account: Account, lane: Lane, nowMs: number): boolean {
  const ahead = account.ahead[lane];
  // A clock that was set back does not make them younger.
  const isTimely = nowMs < ahead.untilMs && nowMs >= ahead.untilMs - LEASE_MS;
  if (ahead.tokens < 1 || !isTimely) return false;
  ahead.tokens--;
  return true;
}

/** Tokens taken before a fault or a rest became known are not used. */
function forgetAhead({ ahead }: Account): void {
  ahead.plan.tokens = 0;
  ahead.interactive.tokens = 0;
}

async function askAll(account: Account, deps: PacingDeps): Promise<void> {
  account.isAsking = true;
  try {
    while (account.asks.length > 0) {
      const batch = account.asks.splice(0, BATCH_MAX);
      try {
        const answers = await answersTo(
          batch.map(({ turn }) => turn),
          account,
          deps,
        );
        for (const [index, ask] of batch.entries()) ask.resolve(answers[index] ?? busy(index));
      } catch (error) {
        for (const ask of batch) ask.reject(error);
      }
    }
  } finally {
    account.isAsking = false;
  }
}

/** @returns an answer for each turn; none when every round was lost */
async function answersTo(
  turns: readonly PacingTurn[],
  account: Account,
  deps: PacingDeps,
): Promise<readonly PacingAnswer[]> {
  const limits = deps.limitsOf(account.provider) ?? UNLIMITED;
  const rules = { limits, timezone: deps.timezone };
  let ended: ReadonlySet<string> | undefined;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const read = (await deps.store.read(account.provider)) ?? emptyPacingRow(account.provider);
    let nowMs = deps.clock();
    let taken = takeTurns(withoutPlaces(read, ended ?? new Set()), turns, rules, nowMs);
    // Only when all places are taken is it asked who still runs: so nobody needs to give a place back.
    if (!ended && taken.answers.some((answer) => answer.kind === "wait" && answer.reason === "concurrent")) {
      ended = await endedAmong(Object.keys(read.running), deps);
      nowMs = deps.clock();
      taken = takeTurns(withoutPlaces(read, ended), turns, rules, nowMs);
    }
    if (taken.row === read) {
      account.seen = read;
      return taken.answers;
    }
    const lane = turns.at(-1)?.lane ?? "interactive";
    const ahead = tokensAhead(taken.row, lane, wantedAhead(account, turns.length, nowMs), limits, nowMs);
    if (await deps.store.write({ ...ahead.row, revision: read.revision + 1 })) {
      account.seen = ahead.row;
      if (ahead.tokens > 0) account.ahead[lane] = { tokens: ahead.tokens, untilMs: nowMs + LEASE_MS };
      return taken.answers;
    }
  }
  return [];
}

/** As many as asked lately beyond those that are being answered or queue: the next ones come as soon. */
function wantedAhead(account: Account, answered: number, nowMs: number): number {
  const lately = account.askedAtMs.filter((atMs) => atMs > nowMs - LEASE_MS).length;
  return lately - answered - account.asks.length;
}

/** Interactive turns first; answers in the order of the turns. */
function takeTurns(
  read: PacingRow,
  turns: readonly PacingTurn[],
  rules: PacingRules,
  nowMs: number,
): { row: PacingRow; answers: readonly PacingAnswer[] } {
  let row = read;
  const answers: PacingAnswer[] = [];
  for (const lane of ["interactive", "plan"] as const) {
    for (const [index, turn] of turns.entries()) {
      if (turn.lane !== lane) continue;
      const taken: Answered = takeTurn(row, turn, rules, nowMs);
      row = taken.row;
      answers[index] = taken.answer;
    }
  }
  return { row, answers };
}

async function endedAmong(attemptIds: readonly string[], deps: PacingDeps): Promise<ReadonlySet<string>> {
  const running = await Promise.all(attemptIds.map((attemptId) => deps.isRunning(attemptId)));
  return new Set(attemptIds.filter((_, index) => !running[index]));
}

function busy(index: number): PacingAnswer {
  return { kind: "wait", waitMs: BUSY_WAIT_MS * (index + 1), reason: "rate" };
}

/** Losing every round leaves the row to those that won: a report among many more is no great loss. */
async function changed(
  account: Account,
  change: (row: PacingRow, nowMs: number) => PacingRow,
  deps: PacingDeps,
): Promise<void> {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const read = (await deps.store.read(account.provider)) ?? emptyPacingRow(account.provider);
    const row = change(read, deps.clock());
    account.seen = row;
    if (row === read || (await deps.store.write({ ...row, revision: read.revision + 1 }))) return;
  }
}
