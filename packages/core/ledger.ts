/**
 * @module The ledger: holds before paid calls, settlement after them. The attempt decides first (`settledMicros` is
 * written once); the ledger then follows, and whatever order things happen in, each amount is taken exactly once.
 *
 * The store is one item a month, changed by single conditional updates. Every function here reads, decides and writes
 * under a condition; when the item has moved on meanwhile it starts over.
 */
import type { Attempt } from "./attempt.ts";
import { AtelierError } from "./errors.ts";
import {
  type Account,
  type Booking,
  countersOf,
  crossingsOf,
  type HoldResult,
  type LedgerOpening,
  openMonth,
  shortfall,
} from "./ledger-month.ts";
import type { LedgerRow } from "./ledger-store.ts";
import type { Micros } from "./money.ts";
import type { Attempts } from "./ports.ts";
import { startTurns } from "./turns.ts";

/** Keeps the item far below DynamoDB's 400 KB: a hold is about 60 bytes. */
export const OPEN_HOLDS_MAX = 500;

/** When this many tombstones stand in an item, whoever settles next removes those that have served. */
const TOMBSTONES_MAX = 60;

/** Each round loses only to a writer who got on; 64 rounds are beyond anything seen with 200 concurrent callers. */
const ROUNDS_MAX = 64;

export interface LedgerDeps extends LedgerOpening {
  readonly attempts: Attempts;
}

/**
 * Sets the most that an attempt can cost aside, once however often it is called.
 *
 * @throws AtelierError `LedgerBusy` with 500 holds open, or when the item never stood still
 */
export async function takeHold(booking: Booking, deps: LedgerOpening): Promise<HoldResult> {
  // A call that costs nothing (one's own machine) needs no money set aside; a zero would read as a tombstone.
  if (booking.holdMicros === 0) return { kind: "held" };
  const counters = countersOf(booking);
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const row = await openMonth(booking.account, booking.budgetMonth, deps);
    const standing = row.holds[booking.attemptId];
    // Also when our own update arrived and its answer was lost.
    if (standing !== undefined) return { kind: standing === 0 ? "applied" : "held" };
    const refused = shortfall(row, counters, booking.holdMicros);
    if (refused) return refused;
    if (row.openHolds >= OPEN_HOLDS_MAX) break;
    const taken = await deps.ledger.hold(row, {
      key: booking.attemptId,
      amountMicros: booking.holdMicros,
      counters,
      openHoldsMax: OPEN_HOLDS_MAX,
    });
    if (!taken) continue;
    // Read again: what others took at the same moment counts too.
    const after = (await deps.ledger.read(booking.account, booking.budgetMonth)) ?? row;
    const crossed = crossingsOf(after, counters);
    return crossed.length > 0 ? { kind: "held", crossed } : { kind: "held" };
  }
  throw new AtelierError(
    "LedgerBusy",
    "The ledger is busy with other holds; the same call can be made again.",
  );
}

/**
 * Settles an attempt: the first amount stands, the ledger follows. Zero is a release.
 *
 * @param quality of the picture that came of it, noted in the same write for whoever asks how a model does
 * @returns the attempt with what was settled, which is an earlier caller's amount if there was one
 */
export async function settle(
  attemptId: string,
  chargedMicros: Micros,
  deps: LedgerDeps,
  quality: number | null = null,
): Promise<Attempt> {
  const patched = await deps.attempts.patch(attemptId, {
    set: { settledMicros: chargedMicros, ...(quality !== null && { quality }) },
    when: [{ field: "settledMicros", is: "absent" }],
  });
  if (!patched.record) throw new AtelierError("UnknownName", `There is no attempt ${attemptId}.`);
  return applySettlement(patched.record, deps);
}

/** Brings the ledger to what the attempt says; any number of callers at once, at any time. */
export async function applySettlement(attempt: Attempt, deps: LedgerDeps): Promise<Attempt> {
  if (attempt.settledMicros === null || attempt.ledgerApplied) return attempt;
  await applyOnce(attempt, attempt.attemptId, attempt.settledMicros, (fresh) => fresh.ledgerApplied, deps);
  return mark(attempt, { ledgerApplied: true }, deps);
}

/**
 * Books a charge that came to light after the attempt was settled: the difference to what was settled.
 * Only the first correction stands.
 */
export async function correct(attemptId: string, chargedMicros: Micros, deps: LedgerDeps): Promise<Attempt> {
  const attempt = await deps.attempts.get(attemptId);
  if (!attempt) throw new AtelierError("UnknownName", `There is no attempt ${attemptId}.`);
  const differenceMicros = chargedMicros - (attempt.settledMicros ?? 0);
  if (attempt.settledMicros === null || differenceMicros <= 0) return attempt;
  const patched = await deps.attempts.patch(attemptId, {
    set: { correctionMicros: differenceMicros },
    when: [
      { field: "correctionMicros", is: "absent" },
      { field: "settledMicros", is: "present" },
    ],
  });
  return applyCorrection(patched.record ?? attempt, deps);
}

/** Settles an attempt, or books what a charge that is known only now exceeds its settlement by. */
export async function bookCharge(
  attemptId: string,
  chargedMicros: Micros,
  deps: LedgerDeps,
  quality: number | null = null,
): Promise<Attempt> {
  const settled = await settle(attemptId, chargedMicros, deps, quality);
  const isShort = settled.settledMicros !== null && settled.settledMicros < chargedMicros;
  return isShort ? correct(attemptId, chargedMicros, deps) : settled;
}

/**
 * Notes a charge on the attempt alone, for callers without a ledger (the webhook): as settlement, or as what exceeds it.
 * The attempt is open until the reconciler has brought the ledger to it.
 */
export async function noteCharge(attempt: Attempt, chargedMicros: Micros, attempts: Attempts): Promise<void> {
  const settled = await attempts.patch(attempt.attemptId, {
    set: { settledMicros: chargedMicros },
    when: [{ field: "settledMicros", is: "absent" }],
  });
  const excessMicros = chargedMicros - (settled.record?.settledMicros ?? chargedMicros);
  if (settled.ok || excessMicros <= 0) return;
  await attempts.patch(attempt.attemptId, {
    set: { correctionMicros: excessMicros },
    when: [{ field: "correctionMicros", is: "absent" }],
  });
}

export async function applyCorrection(attempt: Attempt, deps: LedgerDeps): Promise<Attempt> {
  if (attempt.correctionMicros === null || attempt.correctionApplied) return attempt;
  const key = correctionKeyOf(attempt.attemptId);
  await applyOnce(attempt, key, attempt.correctionMicros, (fresh) => fresh.correctionApplied, deps);
  return mark(attempt, { correctionApplied: true }, deps);
}

/**
 * One pass over a month: applies what is settled, returns holds of attempts that were applied already (a hold that came
 * late), removes tombstones that have served.
 *
 * @throws AtelierError what failed, when each hold has had its turn
 */
export async function reconcileLedger(
  account: Account,
  month: string,
  deps: LedgerDeps,
): Promise<{ applied: number; givenBack: number; swept: number }> {
  const counts = { applied: 0, givenBack: 0, swept: 0 };
  const row = await deps.ledger.read(account, month);
  if (!row) return counts;
  const turns = startTurns();
  for (const [key, amountMicros] of Object.entries(row.holds)) {
    if (amountMicros === 0) continue;
    await turns.give(key, async () => {
      const attempt = await deps.attempts.get(attemptIdOfKey(key));
      if (attempt && attempt.settledMicros !== null && !attempt.ledgerApplied) {
        await applySettlement(attempt, deps);
        counts.applied++;
      } else if (!attempt || attempt.ledgerApplied) {
        if (await giveBack(account, month, key, attempt, deps)) counts.givenBack++;
      }
    });
  }
  counts.swept = (await turns.give("tombstones", () => sweepTombstones(account, month, deps))) ?? 0;
  turns.end();
  return counts;
}

/**
 * The order of reads is the proof that nothing is applied twice. A tombstone is removed only after its attempt says
 * `applied`, and every removal raises `sweeps`. If we read the item before a removal, our condition on `sweeps` fails;
 * if we read it after, the attempt, read later still, already says `applied`.
 */
async function applyOnce(
  booking: Booking,
  key: string,
  chargedMicros: Micros,
  isApplied: (fresh: Attempt) => boolean,
  deps: LedgerDeps,
): Promise<void> {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const row = await openMonth(booking.account, booking.budgetMonth, deps);
    const fresh = await deps.attempts.get(booking.attemptId);
    if (!fresh || isApplied(fresh) || row.holds[key] === 0) return;
    if (row.holds[key] === undefined && chargedMicros === 0) return;
    if (await deps.ledger.apply(row, { key, chargedMicros, counters: countersOf(booking) })) {
      if (tombstonesOf(row).length >= TOMBSTONES_MAX)
        await sweepTombstones(booking.account, booking.budgetMonth, deps);
      return;
    }
  }
  throw new AtelierError(
    "LedgerBusy",
    `The ledger is busy; attempt ${booking.attemptId} is settled and will be applied later.`,
  );
}

async function mark(attempt: Attempt, set: Partial<Attempt>, deps: LedgerDeps): Promise<Attempt> {
  const patched = await deps.attempts.patch(attempt.attemptId, { set, when: [] });
  return patched.record ?? { ...attempt, ...set };
}

async function giveBack(
  account: Account,
  month: string,
  key: string,
  attempt: Attempt | undefined,
  deps: LedgerDeps,
): Promise<boolean> {
  if (!attempt) return false;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const row = await deps.ledger.read(account, month);
    if (!row?.holds[key]) return false;
    if (await deps.ledger.giveBack(row, key, countersOf(attempt))) return true;
  }
  return false;
}

async function sweepTombstones(account: Account, month: string, deps: LedgerDeps): Promise<number> {
  const row = await deps.ledger.read(account, month);
  if (!row) return 0;
  const served: string[] = [];
  const turns = startTurns();
  for (const key of tombstonesOf(row)) {
    await turns.give(key, async () => {
      const attempt = await deps.attempts.get(attemptIdOfKey(key));
      const isApplied = key.endsWith(CORRECTION) ? attempt?.correctionApplied : attempt?.ledgerApplied;
      if (isApplied) served.push(key);
    });
  }
  // An expression takes 4 KB: about 50 names. The rest goes with the next pass.
  const some = served.slice(0, 50);
  const isSwept = some.length > 0 && (await deps.ledger.sweep(row, some));
  turns.end();
  return isSwept ? some.length : 0;
}

function tombstonesOf(row: LedgerRow): string[] {
  return Object.keys(row.holds).filter((key) => row.holds[key] === 0);
}

const CORRECTION = "+correction";

/** The key of a correction in the ledger. */
export function correctionKeyOf(attemptId: string): string {
  return attemptId + CORRECTION;
}

/** Whose hold or correction a key of the ledger is. */
export function attemptIdOfKey(key: string): string {
  return key.endsWith(CORRECTION) ? key.slice(0, -CORRECTION.length) : key;
}
