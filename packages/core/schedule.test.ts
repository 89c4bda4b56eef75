import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Schedule, scheduleSchema } from "./catalogue.ts";
import {
  instantOf,
  isTimezone,
  localDateOf,
  nextFirings,
  occurrenceAt,
  occurrencesOn,
  resolveCategory,
} from "./schedule.ts";

const schedule = scheduleSchema.parse({
  timezone: "Europe/Paris",
  active: "weekly",
  plans: {
    weekly: [
      entry("monday", ["mon"], "06:00", { kind: "generate", category: "lingerie", count: 5 }),
      entry("sunday", ["sun"], "06:00", {
        kind: "generate",
        category: "least-stock",
        among: ["feet", "lingerie"],
        count: 1,
      }),
    ],
    daily: [
      entry("report", DAYS(), "07:30", { kind: "reconcile-and-report" }),
      entry("morning", DAYS(), "06:00", { kind: "generate", category: "feet", count: { from: 1, to: 2 } }),
    ],
  },
});

function DAYS() {
  return ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
}
function entry(name: string, days: string[], at: string, action: unknown) {
  return { name, days, at, action };
}
/** One entry each day at a time in a zone. */
function dailyAt(at: string, timezone: string): Schedule {
  const action = { kind: "generate", category: "feet", count: 1 };
  return scheduleSchema.parse({
    timezone,
    active: "only",
    plans: { only: [entry("entry", DAYS(), at, action)] },
  });
}
const iso = (instantMs: number) => new Date(instantMs).toISOString();

describe("what fires on a date", () => {
  test("is what the active plan has for the weekday", () => {
    expect(occurrencesOn("2026-11-23", schedule)).toStrictEqual([
      {
        occurrenceId: "monday@2026-11-23",
        entry: "monday",
        localDate: "2026-11-23",
        scheduledAtMs: Date.parse("2026-11-23T05:00:00Z"),
        action: { kind: "generate", category: "lingerie", among: [], count: 5 },
        count: 5,
      },
    ]);
    expect(occurrencesOn("2026-11-24", schedule)).toStrictEqual([]);
  });

  test("is in order of time", () => {
    const names = occurrencesOn("2026-11-24", { ...schedule, active: "daily" }).map((one) => one.entry);
    expect(names).toStrictEqual(["morning", "report"]);
  });

  test("draws numbers from the occurrence: always the same, and over the days each of the range", () => {
    const counts = Array.from({ length: 60 }, (_, day) => {
      const date = new Date(Date.UTC(2026, 0, 1 + day)).toISOString().slice(0, 10);
      const [first, again] = [0, 1].map(
        () => occurrencesOn(date, { ...schedule, active: "daily" })[0]?.count,
      );
      expect(again).toBe(first);
      return first;
    });
    expect(new Set(counts)).toStrictEqual(new Set([1, 2]));
  });

  test.each(["2026-02-30", "2026-2-3", "tomorrow", ""])("%j is not a date", (date) => {
    expect(() => occurrencesOn(date, schedule)).toThrow(/must be a day of the calendar/);
  });
});

describe("daylight saving", () => {
  test.each([
    ["Europe/Paris", "2026-03-29", "06:00", "2026-03-29T04:00:00.000Z", "summer begins that morning"],
    ["Europe/Paris", "2026-10-25", "06:00", "2026-10-25T05:00:00.000Z", "winter begins that morning"],
    ["Europe/Paris", "2026-03-29", "02:30", "2026-03-29T01:00:00.000Z", "a time that does not exist"],
    ["Europe/Paris", "2026-10-25", "02:30", "2026-10-25T00:30:00.000Z", "a time that comes twice"],
    ["America/New_York", "2026-03-08", "02:00", "2026-03-08T07:00:00.000Z", "the first minute of the gap"],
    [
      "America/New_York",
      "2026-11-01",
      "01:59",
      "2026-11-01T05:59:00.000Z",
      "the last minute that comes twice",
    ],
    ["Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03T15:30:00.000Z", "a gap of half an hour"],
    ["Africa/Cairo", "2026-04-24", "00:30", "2026-04-23T22:00:00.000Z", "a gap at midnight"],
    ["Pacific/Apia", "2011-12-30", "06:00", "2011-12-30T10:00:00.000Z", "a day that does not exist"],
    ["Asia/Kathmandu", "2026-06-01", "06:00", "2026-06-01T00:15:00.000Z", "an offset of three quarters"],
  ])("%s %s %s is %s: %s", (zone, date, time, instant) => {
    expect(iso(instantOf(date, time, zone))).toBe(instant);
  });

  test("every entry fires once on every date, in order, at its local time or at the end of a gap", {
    timeout: 30_000,
  }, () => {
    const zones = [
      "Europe/Paris",
      "America/New_York",
      "Australia/Lord_Howe",
      "Africa/Cairo",
      "Asia/Kolkata",
      "America/Santiago",
    ];
    for (const zone of zones) {
      const clock = new Intl.DateTimeFormat("en-GB", {
        timeZone: zone,
        dateStyle: "short",
        timeStyle: "short",
        hourCycle: "h23",
      });
      for (const time of ["00:15", "02:30", "06:00"]) {
        const plan = dailyAt(time, zone);
        let before = Number.NEGATIVE_INFINITY;
        for (let day = Date.UTC(2028, 0, 1); day < Date.UTC(2029, 0, 1); day += 86_400_000) {
          const date = iso(day).slice(0, 10);
          const fired = occurrencesOn(date, plan);
          expect(fired).toHaveLength(1);
          const atMs = fired[0]?.scheduledAtMs ?? 0;
          expect(atMs).toBeGreaterThan(before);
          before = atMs;
          expect(localDateOf(atMs, zone)).toBe(date);
          const shows = clock.format(atMs).slice(-5);
          // In a gap the clock never showed the time: a minute earlier it was before, now it is after.
          if (shows !== time) {
            expect(shows > time).toBe(true);
            expect(clock.format(atMs - 1).slice(-5) < time || localDateOf(atMs - 1, zone) < date).toBe(true);
          }
        }
      }
    }
  });

  test("no earlier instant shows the time", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("Europe/Paris", "America/St_Johns", "Pacific/Chatham", "Europe/Dublin"),
        fc.integer({ min: 0, max: 1_500 }),
        fc.integer({ min: 0, max: 1_439 }),
        (zone, day, minute) => {
          const date = iso(Date.UTC(2024, 0, 1 + day)).slice(0, 10);
          const time = iso(minute * 60_000).slice(11, 16);
          const atMs = instantOf(date, time, zone);
          const shows = (instantMs: number) =>
            new Intl.DateTimeFormat("sv-SE", {
              timeZone: zone,
              dateStyle: "short",
              timeStyle: "short",
            }).format(instantMs);
          expect(shows(atMs) >= `${date} ${time}`).toBe(true);
          for (const earlierMs of [1, 30 * 60_000, 60 * 60_000]) {
            expect(shows(atMs - earlierMs) < `${date} ${time}`).toBe(true);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe("a scheduler's message", () => {
  test("is about the local date of its scheduled time, however late it comes", () => {
    expect(occurrenceAt("monday", "2026-11-23T05:00:00Z", schedule)).toStrictEqual(
      occurrencesOn("2026-11-23", schedule)[0],
    );
    expect(occurrenceAt("monday", "2026-11-23T06:00:00+01:00", schedule).occurrenceId).toBe(
      "monday@2026-11-23",
    );
    expect(occurrenceAt("monday", "2026-11-22T23:30:00Z", schedule).occurrenceId).toBe("monday@2026-11-23");
  });

  test("finds each of the calendar's own occurrences again", () => {
    const plan = dailyAt("00:15", "Africa/Cairo");
    for (let day = Date.UTC(2026, 3, 20); day < Date.UTC(2026, 3, 28); day += 86_400_000) {
      const [occurrence] = occurrencesOn(iso(day).slice(0, 10), plan);
      expect(occurrenceAt("entry", iso(occurrence?.scheduledAtMs ?? 0), plan)).toStrictEqual(occurrence);
    }
    const apia = dailyAt("06:00", "Pacific/Apia");
    expect(occurrenceAt("entry", "2011-12-30T10:00:00Z", apia).localDate).toBe("2011-12-30");
  });

  test("with an unknown entry or time is refused", () => {
    expect(() => occurrenceAt("mondy", "2026-11-23T05:00:00Z", schedule)).toThrow(/Did you mean "monday"/);
    expect(() => occurrenceAt("monday", "2026-11-23", schedule)).toThrow(/must be an instant/);
    expect(() => occurrenceAt("monday", "2026-11-23T05:00:00", schedule)).toThrow(/must be an instant/);
  });
});

test("the next firings are strictly later, each once, in order", () => {
  const fromMs = Date.parse("2026-11-22T05:00:00Z");
  expect(nextFirings(schedule, fromMs, 3).map((firing) => firing.occurrenceId)).toStrictEqual([
    "monday@2026-11-23",
    "sunday@2026-11-29",
    "monday@2026-11-30",
  ]);
  expect(nextFirings(schedule, fromMs - 1, 1)[0]?.occurrenceId).toBe("sunday@2026-11-22");
});

describe("the category", () => {
  const action = (category: string, among: string[] = []) =>
    ({ kind: "generate", category, among, count: 1 }) as Parameters<typeof resolveCategory>[0];

  test("that an action names is taken", () => {
    expect(resolveCategory(action("feet"), { feet: 99 })).toBe("feet");
  });

  test("with the least stock wins, the first of the catalogue on a tie", () => {
    const among = ["weekend_special", "feet", "lingerie"];
    expect(resolveCategory(action("least-stock", among), { lingerie: 4, feet: 2, weekend_special: 3 })).toBe(
      "feet",
    );
    expect(resolveCategory(action("least-stock", among), { lingerie: 2, feet: 2, weekend_special: 2 })).toBe(
      "lingerie",
    );
    expect(resolveCategory(action("least-stock", among), { lingerie: 2 })).toBe("feet");
    expect(
      resolveCategory(action("least-stock"), {
        lingerie: 1,
        feet: 1,
        artistic_nude: 1,
        weekend_special: 1,
        custom: 0,
      }),
    ).toBe("lingerie");
  });
});

test("zones are those that Intl knows", () => {
  expect(["Europe/Paris", "UTC", "Europe/Pari", ""].map(isTimezone)).toStrictEqual([
    true,
    true,
    false,
    false,
  ]);
});
