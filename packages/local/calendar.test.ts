import { type Schedule, scheduleSchema } from "@atelier/core/catalogue";
import type { ScheduledOccurrence } from "@atelier/core/schedule";
import { describe, expect, test } from "vitest";
import { LOOK_MS, RETRY_MS, startCalendar } from "./calendar.ts";

const EVERY_DAY = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

function daily(times: Readonly<Record<string, string>>, timezone = "Europe/Paris"): Schedule {
  const action = { kind: "generate", category: "feet", count: 1 };
  const entries = Object.entries(times).map(([name, at]) => ({ name, days: EVERY_DAY, at, action }));
  return scheduleSchema.parse({ timezone, active: "only", plans: { only: entries } });
}

/** A clock that stands until it is moved, and timers that go off as it passes them. */
function fakeTime(start: string) {
  let nowMs = Date.parse(start);
  let timers: { atMs: number; run: () => void }[] = [];
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return {
    clock: () => nowMs,
    timer: (delayMs: number, run: () => void) => {
      const timer = { atMs: nowMs + delayMs, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    waiting: () => timers.length,
    async runUntil(end: string) {
      await settle();
      for (;;) {
        const next = timers.toSorted((one, other) => one.atMs - other.atMs)[0];
        if (!next || next.atMs > Date.parse(end)) break;
        timers = timers.filter((other) => other !== next);
        nowMs = next.atMs;
        next.run();
        await settle();
      }
      nowMs = Math.max(nowMs, Date.parse(end));
    },
    /** The machine sleeps: the clock moves on and no timer goes off until after. */
    async sleepUntil(end: string) {
      await settle();
      const sleptMs = Date.parse(end) - nowMs;
      nowMs += sleptMs;
      timers = timers.map((timer) => ({ ...timer, atMs: timer.atMs + sleptMs }));
    },
  };
}

function started(
  schedule: Schedule,
  time: ReturnType<typeof fakeTime>,
  fire?: (one: ScheduledOccurrence) => Promise<void>,
) {
  const fired: string[] = [];
  const faults: unknown[] = [];
  const calendar = startCalendar({
    schedule,
    clock: time.clock,
    timer: time.timer,
    fire: async (occurrence) => {
      await fire?.(occurrence);
      fired.push(`${occurrence.occurrenceId} at ${new Date(time.clock()).toISOString()}`);
    },
    onFault: (error) => faults.push(error),
  });
  return { calendar, fired, faults };
}

describe("the calendar", () => {
  test("fires each entry at its local time, day after day, over the end of a month", async () => {
    const time = fakeTime("2026-11-29T22:59:00Z");
    const { fired } = started(daily({ late: "23:59", early: "00:00" }), time);
    await time.runUntil("2026-11-30T23:30:00Z");
    expect(fired).toStrictEqual([
      // It is 23:59 in Paris, which is the day of both.
      "early@2026-11-29 at 2026-11-29T22:59:00.000Z",
      "late@2026-11-29 at 2026-11-29T22:59:00.000Z",
      "early@2026-11-30 at 2026-11-29T23:00:00.000Z",
      "late@2026-11-30 at 2026-11-30T22:59:00.000Z",
      "early@2026-12-01 at 2026-11-30T23:00:00.000Z",
    ]);
  });

  test("catches up at the start what the same local day missed, and nothing of yesterday", async () => {
    const time = fakeTime("2026-11-23T10:00:00Z");
    const { fired } = started(daily({ evening: "20:00", morning: "06:00" }), time);
    await time.runUntil("2026-11-23T10:00:00Z");
    expect(fired).toStrictEqual(["morning@2026-11-23 at 2026-11-23T10:00:00.000Z"]);
  });

  test("notices within seconds that the machine has slept", async () => {
    const time = fakeTime("2026-11-23T04:00:00Z");
    const { fired } = started(daily({ morning: "06:00" }), time);
    await time.sleepUntil("2026-11-23T09:00:00Z");
    await time.runUntil("2026-11-23T09:01:00Z");
    expect(fired).toHaveLength(1);
    const firedAtMs = Date.parse(fired[0]?.split(" at ")[1] ?? "");
    expect(firedAtMs - Date.parse("2026-11-23T09:00:00Z")).toBeLessThanOrEqual(LOOK_MS);
  });

  test("lets go what it slept over until the next day", async () => {
    const time = fakeTime("2026-11-23T04:00:00Z");
    const { fired } = started(daily({ morning: "06:00", noon: "12:00" }), time);
    await time.sleepUntil("2026-11-24T09:00:00Z");
    await time.runUntil("2026-11-24T09:01:00Z");
    expect(fired.map((each) => each.split(" at ")[0])).toStrictEqual(["morning@2026-11-24"]);
  });

  test("fires once where the clock jumps over the time, and once where the time comes twice", async () => {
    const spring = fakeTime("2026-03-29T00:00:00Z");
    const one = started(daily({ night: "02:30" }), spring);
    await spring.runUntil("2026-03-29T12:00:00Z");
    expect(one.fired).toStrictEqual(["night@2026-03-29 at 2026-03-29T01:00:00.000Z"]);

    const autumn = fakeTime("2026-10-24T23:00:00Z");
    const other = started(daily({ night: "02:30" }), autumn);
    await autumn.runUntil("2026-10-25T12:00:00Z");
    expect(other.fired).toStrictEqual(["night@2026-10-25 at 2026-10-25T00:30:00.000Z"]);
  });

  test("fires what a zone skipped with its whole day on the next one", async () => {
    // Samoa had no 30 December 2011.
    const time = fakeTime("2011-12-30T09:00:00Z");
    const { fired } = started(daily({ noon: "12:00" }, "Pacific/Apia"), time);
    await time.runUntil("2011-12-30T11:00:00Z");
    expect(fired).toStrictEqual([
      "noon@2011-12-29 at 2011-12-30T09:00:00.000Z",
      "noon@2011-12-30 at 2011-12-30T10:00:00.000Z",
    ]);
  });

  test("fires nothing twice when the clock is set back", async () => {
    const time = fakeTime("2026-11-23T05:30:00Z");
    const { fired } = started(daily({ morning: "06:00" }), time);
    await time.runUntil("2026-11-23T05:31:00Z");
    await time.sleepUntil("2026-11-23T04:30:00Z");
    await time.runUntil("2026-11-23T06:00:00Z");
    expect(fired).toHaveLength(1);
  });

  test("tries again a minute later what failed, and goes on with the others", async () => {
    const time = fakeTime("2026-11-23T04:59:50Z");
    let failures = 2;
    const { fired, faults } = started(daily({ one: "06:00", two: "06:00" }), time, async ({ entry }) => {
      if (entry === "one" && failures-- > 0) throw new Error("a test's failure");
    });
    await time.runUntil("2026-11-23T05:10:00Z");
    expect(faults).toHaveLength(2);
    expect(fired[0]).toBe("two@2026-11-23 at 2026-11-23T05:00:00.000Z");
    expect(fired[1]?.startsWith("one@2026-11-23")).toBe(true);
    const delayMs = Date.parse(fired[1]?.split(" at ")[1] ?? "") - Date.parse("2026-11-23T05:00:00Z");
    expect(delayMs).toBeGreaterThanOrEqual(2 * RETRY_MS);
    expect(delayMs).toBeLessThanOrEqual(2 * RETRY_MS + 2 * LOOK_MS);
  });

  test("stops: no timer is left, and a firing under way is waited for", async () => {
    const time = fakeTime("2026-11-23T10:00:00Z");
    let release = () => {};
    const { calendar, fired } = started(
      daily({ morning: "06:00", later: "06:30" }),
      time,
      () => new Promise<void>((resolve) => (release = resolve)),
    );
    await time.runUntil("2026-11-23T10:00:00Z");
    const stopped = calendar.stop();
    release();
    await stopped;
    expect(fired).toHaveLength(1);
    expect(time.waiting()).toBe(0);
  });
});
