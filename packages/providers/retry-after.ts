/** @module How long a provider asks to wait. */

/** Nobody is waited for longer than this at once, whatever a header says. */
export const RETRY_AFTER_MAX_MS = 600_000;

/** The `Retry-After` header, in seconds or as a date (RFC 9110, 10.2.3); undefined when there is none that can be read. */
export function retryAfterHeaderMs(headers: Headers, nowMs: number): number | undefined {
  const header = headers.get("retry-after")?.trim();
  if (!header) return undefined;
  return secondsToMs(Number(header)) ?? untilMs(Date.parse(header), nowMs);
}

/** Undefined for anything but a number from zero. */
export function secondsToMs(seconds: number | null | undefined): number | undefined {
  return typeof seconds === "number" && Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

/** A wait as pacing takes it: whole milliseconds, from 0 to `RETRY_AFTER_MAX_MS`. */
export function boundedWaitMs(waitMs: number): number {
  return Math.min(RETRY_AFTER_MAX_MS, Math.max(0, Math.ceil(waitMs)));
}

function untilMs(atMs: number, nowMs: number): number | undefined {
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}
