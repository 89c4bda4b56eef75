/**
 * @module The circuit breaker of a provider account: closed, open after faults in a row or a refused account, half open when its
 * time is over, with one attempt that tries.
 */
import type { CircuitCause, PacingRow } from "./pacing-row.ts";

/** Faults in a row that open the breaker: fewer happen on a bad minute. */
export const FAULTS_MAX = 5;
export const OPEN_FIRST_MS = 30_000;
export const OPEN_MAX_MS = 15 * 60_000;
/** A refused key or an empty account is mended by a person, who should not have to wait long afterwards. */
export const BLOCKED_MS = 60_000;
/** Longer than a create may take; an attempt that tells nothing until then has died. */
export const PROBE_TURN_MS = 150_000;
/** How soon to ask again while another attempt tries. */
const PROBE_ASK_MS = 5_000;

export type Circuit = "closed" | "open" | "half-open";

export function circuitOf(row: PacingRow, nowMs: number): Circuit {
  if (row.openUntilMs === 0) return "closed";
  return opensAgainAtMs(row, nowMs) > nowMs ? "open" : "half-open";
}

/** Never further away than a breaker can be opened for, whatever clock wrote it. */
function opensAgainAtMs(row: PacingRow, nowMs: number): number {
  return Math.min(row.openUntilMs, nowMs + OPEN_MAX_MS);
}

/** How long to leave the provider alone; 0 where the attempt may try. */
export function circuitWaitMs(row: PacingRow, attemptId: string, nowMs: number): number {
  const circuit = circuitOf(row, nowMs);
  if (circuit === "closed") return 0;
  if (circuit === "open") return opensAgainAtMs(row, nowMs) - nowMs;
  if (row.probe === null || row.probe.attemptId === attemptId) return 0;
  return Math.min(PROBE_ASK_MS, Math.max(0, row.probe.untilMs - nowMs));
}

/** The row once the attempt goes: while half open the turn to try is its own. */
export function probing(row: PacingRow, attemptId: string, nowMs: number): PacingRow {
  if (circuitOf(row, nowMs) !== "half-open") return row;
  return { ...row, probe: { attemptId, untilMs: nowMs + PROBE_TURN_MS } };
}

/** The same row where the report changes nothing. */
export function reported(
  row: PacingRow,
  attemptId: string,
  result: "reached" | CircuitCause,
  nowMs: number,
): PacingRow {
  const isProbe = row.probe?.attemptId === attemptId;
  switch (result) {
    case "reached": {
      // A create that was on its way before the account was refused says nothing about the account.
      if (isBlocked(row) && !isProbe) return row;
      if (!needsMending(row)) return row;
      return { ...row, faults: 0, openUntilMs: 0, openForMs: 0, openedBy: null, probe: null };
    }
    case "KeyRefused":
    case "OutOfCredit":
      return opened(row, result, BLOCKED_MS, nowMs);
    case "fault": {
      const counted = { ...row, faults: row.faults + 1 };
      if (isProbe) {
        const openForMs = row.openedBy === "fault" ? Math.min(2 * row.openForMs, OPEN_MAX_MS) : OPEN_FIRST_MS;
        return opened(counted, "fault", openForMs, nowMs);
      }
      if (row.openUntilMs === 0 && counted.faults >= FAULTS_MAX)
        return opened(counted, "fault", OPEN_FIRST_MS, nowMs);
      return counted;
    }
  }
}

/** Whether "reached" would change anything. */
export function needsMending(row: PacingRow): boolean {
  return row.faults > 0 || row.openUntilMs > 0 || row.probe !== null;
}

function opened(row: PacingRow, openedBy: CircuitCause, openForMs: number, nowMs: number): PacingRow {
  return { ...row, openUntilMs: nowMs + openForMs, openForMs, openedBy, probe: null };
}

/** For people: why the provider is left alone. */
export function circuitMessage(row: PacingRow): string {
  const until = `${new Date(row.openUntilMs).toISOString().slice(0, 19)}Z`;
  switch (row.openedBy) {
    case "KeyRefused":
      return `${row.provider} refused the key; it is not asked again until ${until}.`;
    case "OutOfCredit":
      return `The account at ${row.provider} has no credit left; it is not asked again until ${until}.`;
    default:
      return `${row.provider} failed ${row.faults} times in a row; it is left alone until ${until}.`;
  }
}

function isBlocked(row: PacingRow): boolean {
  return row.openedBy !== null && row.openedBy !== "fault";
}
