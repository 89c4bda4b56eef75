/**
 * @module The calendar: what fires on a local date, and at which instant. Dates come from the scheduled time, never from
 * now. Time zones are those of `Intl`; local dates are yyyy-mm-dd, instants milliseconds since 1970.
 */
import {
  CATEGORY_NAMES,
  type CategoryName,
  type Schedule,
  type ScheduleEntry,
  WEEKDAYS,
} from "./catalogue.ts";
import { unknownName } from "./closest.ts";
import { AtelierError } from "./errors.ts";
import { derivedSeed, occurrenceIdOf } from "./ids.ts";

/** One firing of one entry, before anything is made of it. */
export interface ScheduledOccurrence {
  readonly occurrenceId: string;
  /** The entry's name. */
  readonly entry: string;
  readonly localDate: string;
  /** The first instant at which the local clock shows the entry's time, or has jumped over it. */
  readonly scheduledAtMs: number;
  readonly action: ScheduleEntry["action"];
  /** How many pictures, drawn from the occurrence's id where the plan gives a range; 0 where nothing is generated. */
  readonly count: number;
}

type GenerateAction = Extract<ScheduleEntry["action"], { kind: "generate" }>;

/**
 * What the active plan fires on a local date, in order of time, then of name.
 *
 * @throws AtelierError `UsageError` when the date does not exist
 */
export function occurrencesOn(localDate: string, schedule: Schedule): ScheduledOccurrence[] {
  const weekday = weekdayOf(localDate);
  return activePlan(schedule)
    .filter((entry) => entry.days.includes(weekday))
    .map((entry) => occurrenceOf(entry, localDate, schedule.timezone))
    .sort((one, other) => one.scheduledAtMs - other.scheduledAtMs || (one.entry < other.entry ? -1 : 1));
}

/**
 * The occurrence that a scheduler's message is about. The scheduler may deliver late and more than once; the local date
 * is that of the time for which it was scheduled.
 *
 * @param scheduledTime ISO 8601 with an offset or Z
 * @throws AtelierError `UnknownName` for an entry that the active plan does not have, `UsageError` for another time
 */
export function occurrenceAt(
  entryName: string,
  scheduledTime: string,
  schedule: Schedule,
): ScheduledOccurrence {
  const plan = activePlan(schedule);
  const entry = plan.find((candidate) => candidate.name === entryName);
  if (entry === undefined) {
    throw unknownName(
      "calendar entry",
      entryName,
      plan.map((candidate) => candidate.name),
    );
  }
  const scheduledMs = /T.*(?:Z|[+-]\d\d:?\d\d)$/.test(scheduledTime) ? Date.parse(scheduledTime) : Number.NaN;
  if (Number.isNaN(scheduledMs)) {
    throw new AtelierError(
      "UsageError",
      `The scheduled time of ${entryName} is "${scheduledTime}", but must be an instant such as 2026-11-22T05:00:00Z.`,
    );
  }
  const localDate = localDateOf(scheduledMs, schedule.timezone);
  // Where a zone skipped a whole day, that day's entry fires on the next one: look back before taking the date.
  const candidates = [localDate, shiftedDate(localDate, -1)].map((date) =>
    occurrenceOf(entry, date, schedule.timezone),
  );
  return (
    candidates.find((occurrence) => occurrence.scheduledAtMs === scheduledMs) ??
    occurrenceOf(entry, localDate, schedule.timezone)
  );
}

/** The next firings strictly after an instant, the earliest first. */
export function nextFirings(schedule: Schedule, afterMs: number, count: number): ScheduledOccurrence[] {
  const firings: ScheduledOccurrence[] = [];
  let date = shiftedDate(localDateOf(afterMs, schedule.timezone), -1);
  // Every plan has an entry and every entry a weekday, so each eight days bring at least one.
  for (let days = 0; days < 8 * (count + 1) && firings.length < count; days++) {
    firings.push(...occurrencesOn(date, schedule).filter((occurrence) => occurrence.scheduledAtMs > afterMs));
    date = shiftedDate(date, 1);
  }
  return firings.slice(0, count);
}

/**
 * The category that an action is for. `least-stock`: the one with the fewest completed pictures among those listed (all
 * but `custom` when none are), the first in the catalogue's order on a tie. A category without a number has none.
 */
export function resolveCategory(
  action: GenerateAction,
  stock: Readonly<Partial<Record<CategoryName, number>>>,
): CategoryName {
  if (action.category !== "least-stock") return action.category;
  const among = CATEGORY_NAMES.filter((name) =>
    action.among.length === 0 ? name !== "custom" : action.among.includes(name),
  );
  return among.reduce(
    (least, name) => ((stock[name] ?? 0) < (stock[least] ?? 0) ? name : least),
    among[0] ?? "custom",
  );
}

/** The local date of an instant. */
export function localDateOf(instantMs: number, timezone: string): string {
  return new Date(wallClockOf(instantMs, timezone)).toISOString().slice(0, 10);
}

/** Whether `Intl` knows the zone. */
export function isTimezone(timezone: string): boolean {
  try {
    return formatterOf(timezone) !== undefined;
  } catch {
    return false;
  }
}

/**
 * The instant at which a clock in the zone first shows a local date and time. A time that the zone skips counts as the
 * first instant after the gap; of a time that comes twice it is the first.
 */
export function instantOf(localDate: string, time: string, timezone: string): number {
  const wall = Date.parse(`${localDate}T${time}:00Z`);
  const offsets = [-DAY_MS, 0, DAY_MS].map((shiftMs) => offsetAt(wall + shiftMs, timezone));
  const exact = offsets
    .map((offsetMs) => wall - offsetMs)
    .filter((instantMs) => wallClockOf(instantMs, timezone) === wall)
    .sort((one, other) => one - other)[0];
  if (exact !== undefined) return exact;
  // A gap: somewhere between these two the clock jumps past the time; find the first instant after the jump.
  let before = wall - Math.max(...offsets) - 1;
  let after = wall - Math.min(...offsets);
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (wallClockOf(middle, timezone) >= wall) after = middle;
    else before = middle;
  }
  return after;
}

const DAY_MS = 86_400_000;

function occurrenceOf(entry: ScheduleEntry, localDate: string, timezone: string): ScheduledOccurrence {
  const occurrenceId = occurrenceIdOf(entry.name, localDate);
  return {
    occurrenceId,
    entry: entry.name,
    localDate,
    scheduledAtMs: instantOf(localDate, entry.at, timezone),
    action: entry.action,
    count: entry.action.kind === "generate" ? countOf(entry.action.count, occurrenceId) : 0,
  };
}

function countOf(count: GenerateAction["count"], occurrenceId: string): number {
  if (typeof count === "number") return count;
  return count.from + (derivedSeed("count", occurrenceId) % (count.to - count.from + 1));
}

function activePlan(schedule: Schedule): readonly ScheduleEntry[] {
  const plan = schedule.plans[schedule.active];
  if (plan === undefined) throw unknownName("plan", schedule.active, Object.keys(schedule.plans));
  return plan;
}

function weekdayOf(localDate: string): (typeof WEEKDAYS)[number] {
  const weekday = WEEKDAYS[(new Date(dateMs(localDate)).getUTCDay() + 6) % 7];
  if (weekday === undefined) throw new AtelierError("Unexpected", `No weekday was found for ${localDate}.`);
  return weekday;
}

export function shiftedDate(localDate: string, days: number): string {
  return new Date(dateMs(localDate) + days * DAY_MS).toISOString().slice(0, 10);
}

function dateMs(localDate: string): number {
  const instantMs = /^\d{4}-\d{2}-\d{2}$/.test(localDate) ? Date.parse(localDate) : Number.NaN;
  // Date.parse takes 30 February for 2 March.
  if (Number.isNaN(instantMs) || new Date(instantMs).toISOString().slice(0, 10) !== localDate) {
    throw new AtelierError(
      "UsageError",
      `The date is "${localDate}", but must be a day of the calendar such as 2026-11-22.`,
    );
  }
  return instantMs;
}

function offsetAt(instantMs: number, timezone: string): number {
  return wallClockOf(instantMs, timezone) - instantMs;
}

/** What a clock in the zone shows, as the milliseconds that the same date and time would be in UTC. */
function wallClockOf(instantMs: number, timezone: string): number {
  const parts: Record<string, number> = {};
  for (const part of formatterOf(timezone).formatToParts(instantMs)) parts[part.type] = Number(part.value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) + (((instantMs % 1000) + 1000) % 1000);
}

/** Making a formatter costs a hundred times what using it does, and the same zone always makes the same one. */
const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(timezone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(timezone);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat("en-US", {
      timeZone: timezone,
      calendar: "gregory",
      numberingSystem: "latn",
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    formatters.set(timezone, formatter);
  }
  return formatter;
}
