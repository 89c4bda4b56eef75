/**
 * @module Fires the calendar while a process serves the folder: each entry at its local time, and what was missed (nothing
 * ran, the machine slept) later on the same local day, never after it.
 */
import type { Schedule } from "@atelier/core/catalogue";
import type { Clock } from "@atelier/core/ids";
import { instantOf, localDateOf, nextFirings, type ScheduledOccurrence } from "@atelier/core/schedule";

/** The clock is looked at this often, however far the next firing is: a machine that slept, or a clock that was set. */
export const LOOK_MS = 20_000;

/** After a firing that failed, it is tried again so much later. */
export const RETRY_MS = 60_000;

/** A clock may be set back, but hardly by more: the day of what is older does not come again. */
const FORGET_MS = 3 * 24 * 60 * 60 * 1000;

/** Calls once, after a time; answers how to prevent it. */
export type Timer = (delayMs: number, run: () => void) => () => void;

export interface CalendarDeps {
  readonly schedule: Schedule;
  readonly clock: Clock;
  readonly timer: Timer;
  /** Starts it, unless somebody has; when it is done is not waited for. */
  readonly fire: (occurrence: ScheduledOccurrence) => Promise<void>;
  readonly onFault: (error: unknown) => void;
}

export interface Calendar {
  /** Fires nothing further; resolves when what it was starting is started. */
  stop(): Promise<void>;
}

/**
 * What should have fired by now on this local day, in order.
 *
 * Usually the entries of the day's date; where a zone skips a whole day, that day's entries fall on the next one.
 */
export function dueOccurrences(schedule: Schedule, nowMs: number): ScheduledOccurrence[] {
  const midnightMs = instantOf(localDateOf(nowMs, schedule.timezone), "00:00", schedule.timezone);
  const entries = schedule.plans[schedule.active]?.length ?? 0;
  return nextFirings(schedule, midnightMs - 1, 2 * entries).filter(
    ({ scheduledAtMs }) => scheduledAtMs <= nowMs,
  );
}

export function startCalendar({ schedule, clock, timer, fire, onFault }: CalendarDeps): Calendar {
  /** By this process, with when it was to be; whether another process fired it, `fire` finds out. */
  const fired = new Map<string, number>();
  const retryAtMs = new Map<string, number>();
  let nextMs = 0;
  let stopped = false;
  let cancelTimer = () => {};
  let looking = look();

  async function look(): Promise<void> {
    const nowMs = clock();
    // What is between the clock and the next firing was looked at already.
    if (nowMs >= nextMs || retryAtMs.size > 0) {
      await fireDue(nowMs);
      nextMs = nextFirings(schedule, nowMs, 1)[0]?.scheduledAtMs ?? Number.POSITIVE_INFINITY;
    }
    if (stopped) return;
    cancelTimer = timer(Math.min(LOOK_MS, Math.max(0, nextMs - clock())), () => {
      looking = look();
    });
  }

  async function fireDue(nowMs: number): Promise<void> {
    forgetBefore(nowMs - FORGET_MS);
    for (const occurrence of dueOccurrences(schedule, nowMs)) {
      if (stopped) return;
      const { occurrenceId, scheduledAtMs } = occurrence;
      if (fired.has(occurrenceId) || (retryAtMs.get(occurrenceId) ?? 0) > nowMs) continue;
      try {
        await fire(occurrence);
        fired.set(occurrenceId, scheduledAtMs);
        retryAtMs.delete(occurrenceId);
      } catch (error) {
        retryAtMs.set(occurrenceId, nowMs + RETRY_MS);
        onFault(error);
      }
    }
  }

  function forgetBefore(instantMs: number): void {
    for (const known of [fired, retryAtMs]) {
      for (const [occurrenceId, atMs] of known) if (atMs < instantMs) known.delete(occurrenceId);
    }
  }

  return {
    async stop() {
      stopped = true;
      cancelTimer();
      await looking;
    },
  };
}
