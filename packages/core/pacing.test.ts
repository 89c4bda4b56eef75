import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ProviderLimits } from "./catalogue.ts";
import { pacingReport, REST_MAX_MS, rested, takeTurn, UNLIMITED, withoutPlaces } from "./pacing.ts";
import { WAIT_MAX_MS } from "./pacing-bucket.ts";
import {
  BLOCKED_MS,
  FAULTS_MAX,
  OPEN_FIRST_MS,
  OPEN_MAX_MS,
  PROBE_TURN_MS,
  reported,
} from "./pacing-circuit.ts";
import {
  type CircuitCause,
  emptyPacingRow,
  type Lane,
  type PacingAnswer,
  type PacingRow,
} from "./pacing-row.ts";

const START_MS = Date.parse("2026-11-22T06:00:00Z");
const TIMEZONE = "Europe/Paris";

/** One account and a clock, changed as the product changes them. */
function account(limits: Partial<ProviderLimits>, timezone = TIMEZONE) {
  const rules = { limits: { ...UNLIMITED, ...limits }, timezone };
  const self = {
    row: emptyPacingRow("replicate") as PacingRow,
    nowMs: START_MS,
    take(attemptId: string, lane: Lane = "interactive"): PacingAnswer {
      const turn = { provider: "replicate", attemptId, lane, deadlineAtMs: self.nowMs + 300_000 };
      const taken = takeTurn(self.row, turn, rules, self.nowMs);
      self.row = taken.row;
      return taken.answer;
    },
    /** How many of so many go at once. */
    takes(count: number, lane: Lane = "interactive"): number {
      return Array.from({ length: count }, (_, index) => self.take(`${lane}-${index}`, lane)).filter(
        ({ kind }) => kind === "go",
      ).length;
    },
    report(attemptId: string, result: "reached" | CircuitCause) {
      self.row = reported(self.row, attemptId, result, self.nowMs);
    },
    rest(forMs: number) {
      self.row = rested(self.row, self.nowMs + forMs, rules.limits, self.nowMs);
    },
    standing: () => pacingReport(self.row, rules.limits, self.nowMs, timezone),
  };
  return self;
}

describe("the bucket", () => {
  test("a full one of 600 a minute lets 42 go, then one each 105 ms", () => {
    const one = account({ createsPerMinute: 600 });
    expect(one.takes(60)).toBe(42);
    one.nowMs += 1_000;
    expect(one.takes(60)).toBe(9);
    one.nowMs += 1_000;
    expect(one.takes(60)).toBe(10);
  });

  test("those who wait are told one after the other", () => {
    const one = account({ createsPerMinute: 600 });
    one.takes(42);
    const waits = ["a", "b", "c"].map((attemptId) => one.take(attemptId));
    expect(waits).toStrictEqual([
      { kind: "wait", waitMs: 106, reason: "rate" },
      { kind: "wait", waitMs: 211, reason: "rate" },
      { kind: "wait", waitMs: 316, reason: "rate" },
    ]);
  });

  test("the plan leaves tokens that interactive requests find at once, and waits behind them", () => {
    const one = account({ createsPerMinute: 600 });
    expect(one.takes(60, "plan")).toBe(36);
    expect(one.takes(60)).toBe(6);
    const interactive = one.take("late");
    const plan = one.take("later", "plan");
    if (interactive.kind !== "wait" || plan.kind !== "wait") throw new Error("Both must wait.");
    expect(plan.waitMs).toBeGreaterThan(interactive.waitMs);
  });

  test("one a minute still goes, and not twice", () => {
    const one = account({ createsPerMinute: 1 });
    expect(one.takes(3, "plan")).toBe(1);
    one.nowMs += 60_000;
    expect(one.takes(1, "plan")).toBe(0);
    one.nowMs += 4_000;
    expect(one.takes(3, "plan")).toBe(1);
  });

  test("without limits nothing is written", () => {
    const one = account({});
    const before = one.row;
    expect(one.takes(1_000)).toBe(1_000);
    expect(one.row).toBe(before);
  });

  test("a row from a clock that is a day ahead blocks nobody for longer than a bucket takes to fill", () => {
    const one = account({ createsPerMinute: 600 });
    one.nowMs += 86_400_000;
    one.takes(60);
    one.rest(10_000);
    one.nowMs = START_MS;
    const answer = one.take("a");
    if (answer.kind !== "wait") throw new Error("The rest counts as one.");
    expect(answer.waitMs).toBeLessThanOrEqual(WAIT_MAX_MS);
    one.nowMs += REST_MAX_MS;
    one.row = { ...one.row, restUntilMs: 0 };
    expect(one.take("a").kind).toBe("go");
  });
});

describe("a rest", () => {
  test("is kept, and the bucket fills from its end on", () => {
    const one = account({ createsPerMinute: 600 });
    one.rest(10_000);
    expect(one.take("a")).toStrictEqual({ kind: "wait", waitMs: 10_000, reason: "rest" });
    one.nowMs += 10_000;
    expect(one.takes(60)).toBe(1);
    one.nowMs += 1_000;
    expect(one.takes(60)).toBe(9);
  });

  test("of several the longest stands, and none is longer than an hour", () => {
    const one = account({});
    one.rest(10_000);
    one.rest(5_000);
    expect(one.standing().restUntilMs).toBe(START_MS + 10_000);
    one.rest(100 * REST_MAX_MS);
    expect(one.standing().restUntilMs).toBe(START_MS + REST_MAX_MS);
    one.nowMs += REST_MAX_MS;
    expect([one.take("a").kind, one.standing().restUntilMs]).toStrictEqual(["go", null]);
  });
});

describe("places", () => {
  test("as many jobs as allowed; the same attempt keeps its place; a lapsed or freed one is another's", () => {
    const one = account({ concurrent: 2 });
    expect(["a", "b", "a", "b"].map((attemptId) => one.take(attemptId).kind)).toStrictEqual(
      Array(4).fill("go"),
    );
    expect(one.take("c")).toStrictEqual({ kind: "wait", waitMs: 2_000, reason: "concurrent" });
    expect(one.take("d")).toStrictEqual({ kind: "wait", waitMs: 4_000, reason: "concurrent" });
    expect(one.standing().running).toBe(2);
    one.row = withoutPlaces(one.row, new Set(["a"]));
    expect(one.take("c").kind).toBe("go");
    one.nowMs += 300_000;
    expect(["d", "e", "f"].map((attemptId) => one.take(attemptId).kind)).toStrictEqual(["go", "go", "wait"]);
    expect(Object.keys(one.row.running)).toStrictEqual(["d", "e"]);
  });
});

describe("quotas", () => {
  test("of the day, in the calendar's time zone", () => {
    const one = account({ createsPerDay: 3 });
    // 23:59 in Paris
    one.nowMs = Date.parse("2026-11-22T22:59:00Z");
    expect(one.takes(5)).toBe(3);
    expect(one.take("late")).toStrictEqual({
      kind: "quota",
      scope: "day",
      limit: 3,
      resetsAtMs: Date.parse("2026-11-22T23:00:00Z"),
    });
    expect(one.standing().day).toStrictEqual({ used: 3, limit: 3 });
    one.nowMs += 60_000;
    expect(one.standing().day).toStrictEqual({ used: 0, limit: 3 });
    expect(one.take("tomorrow").kind).toBe("go");
    // A clock behind: still the new day, whose number grows.
    one.nowMs -= 300;
    expect(one.take("behind").kind).toBe("go");
    expect(one.standing().day).toStrictEqual({ used: 2, limit: 3 });
  });

  test("of the month before that of the day", () => {
    const one = account({ createsPerDay: 2, createsPerMonth: 3 });
    expect(one.takes(5)).toBe(2);
    one.nowMs += 86_400_000;
    expect(one.takes(5)).toBe(1);
    expect(one.take("late")).toMatchObject({
      kind: "quota",
      scope: "month",
      resetsAtMs: Date.parse("2026-11-30T23:00:00Z"),
    });
    expect(one.standing().month).toStrictEqual({ used: 3, limit: 3 });
  });
});

describe("the breaker", () => {
  const failing = () => {
    const one = account({});
    for (let fault = 0; fault < FAULTS_MAX; fault++) one.report(`f${fault}`, "fault");
    return one;
  };

  test("opens after five faults in a row, not after five with an answer between them", () => {
    const one = account({});
    for (let fault = 0; fault < 4; fault++) one.report("x", "fault");
    one.report("y", "reached");
    one.report("x", "fault");
    expect(one.take("a").kind).toBe("go");
    expect(failing().take("a")).toStrictEqual({
      kind: "closed",
      because: "fault",
      waitMs: OPEN_FIRST_MS,
      message: "replicate failed 5 times in a row; it is left alone until 2026-11-22T06:00:30Z.",
    });
  });

  test("lets one try when its time is over; its answer closes it, its fault doubles the time up to 15 minutes", () => {
    const one = failing();
    for (const forMs of [60_000, 120_000, 240_000, 480_000, OPEN_MAX_MS, OPEN_MAX_MS]) {
      one.nowMs = one.row.openUntilMs;
      expect(one.standing().circuit).toBe("half-open");
      expect(["a", "b", "a"].map((attemptId) => one.take(attemptId).kind)).toStrictEqual([
        "go",
        "closed",
        "go",
      ]);
      one.report("b", "fault");
      one.report("a", "fault");
      expect(one.take("b")).toMatchObject({ kind: "closed", waitMs: forMs });
      expect(one.standing()).toMatchObject({ circuit: "open", openUntilMs: one.nowMs + forMs });
    }
    one.nowMs = one.row.openUntilMs;
    one.take("a");
    one.report("a", "reached");
    expect(one.standing()).toMatchObject({ circuit: "closed", openUntilMs: null });
    expect(["a", "b"].map((attemptId) => one.take(attemptId).kind)).toStrictEqual(["go", "go"]);
    for (let fault = 0; fault < FAULTS_MAX; fault++) one.report(`f${fault}`, "fault");
    expect(one.take("a")).toMatchObject({ kind: "closed", waitMs: OPEN_FIRST_MS });
  });

  test("a turn to try that nobody reports about passes on", () => {
    const one = failing();
    one.nowMs += OPEN_FIRST_MS;
    one.take("dies");
    one.nowMs += PROBE_TURN_MS - 1;
    expect(one.take("b")).toMatchObject({ kind: "closed", waitMs: 1 });
    one.nowMs += 1;
    expect(one.take("b").kind).toBe("go");
    expect(one.take("c").kind).toBe("closed");
  });

  test("a refused account opens it at once, and only the one that tries closes it", () => {
    const one = account({});
    one.report("a", "OutOfCredit");
    one.report("sent before", "reached");
    expect(one.take("b")).toMatchObject({ kind: "closed", waitMs: BLOCKED_MS });
    one.nowMs += BLOCKED_MS;
    expect(one.take("b").kind).toBe("go");
    one.report("b", "reached");
    expect(one.take("c").kind).toBe("go");
  });
});

test("nothing was asked yet: the report says so", () => {
  expect(pacingReport(undefined, { ...UNLIMITED, createsPerDay: 5 }, START_MS, TIMEZONE)).toStrictEqual({
    circuit: "closed",
    openUntilMs: null,
    day: { used: 0, limit: 5 },
    month: { used: 0, limit: null },
    running: 0,
    restUntilMs: null,
  });
});

test("whatever happens: one tries at a time, no quota and no place too many, every wait has an end", () => {
  const happening = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ take: fc.nat(30), lane: fc.constantFrom<Lane>("plan", "interactive") }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        report: fc.nat(30),
        as: fc.constantFrom("reached", "fault", "KeyRefused", "OutOfCredit"),
      }),
    },
    { weight: 1, arbitrary: fc.record({ restMs: fc.integer({ min: -1_000, max: 10_000_000 }) }) },
    { weight: 5, arbitrary: fc.record({ passMs: fc.nat(90_000) }) },
    { weight: 1, arbitrary: fc.record({ passMs: fc.integer({ min: -300, max: 40_000_000 }) }) },
  );
  const limits = fc.record({
    createsPerMinute: fc.option(fc.double({ min: 0.1, max: 5_000, noNaN: true })),
    concurrent: fc.option(fc.integer({ min: 1, max: 5 })),
    createsPerDay: fc.option(fc.integer({ min: 1, max: 20 })),
    createsPerMonth: fc.option(fc.integer({ min: 1, max: 40 })),
  });
  fc.assert(
    fc.property(limits, fc.array(happening, { maxLength: 120 }), (given, happenings) => {
      const one = account(given);
      const gone = new Map<string, number>();
      let probeUntilMs = 0;
      let prober = "";
      for (const next of happenings) {
        if ("passMs" in next) one.nowMs += next.passMs;
        else if ("restMs" in next) one.rest(next.restMs);
        else if ("report" in next) {
          one.report(`a${next.report}`, next.as as "reached");
          if (one.row.probe === null) probeUntilMs = 0;
        } else {
          const attemptId = `a${next.take}`;
          const wasHalfOpen = one.standing().circuit === "half-open";
          const answer = one.take(attemptId, next.lane);
          if (answer.kind === "wait" || answer.kind === "closed") {
            expect(answer.waitMs).toBeGreaterThan(0);
            expect(answer.waitMs).toBeLessThanOrEqual(REST_MAX_MS);
          }
          if (answer.kind === "quota") expect(answer.resetsAtMs).toBeGreaterThan(one.nowMs);
          if (answer.kind !== "go") continue;
          if (wasHalfOpen) {
            if (attemptId !== prober) expect(one.nowMs).toBeGreaterThanOrEqual(probeUntilMs);
            prober = attemptId;
            probeUntilMs = one.nowMs + PROBE_TURN_MS;
          }
          gone.set(attemptId, one.nowMs + 300_000);
          const running = [...gone.values()].filter((untilMs) => untilMs > one.nowMs).length;
          if (given.concurrent !== null) expect(running).toBeLessThanOrEqual(given.concurrent);
          const { day, month } = one.standing();
          expect(day.used).toBeLessThanOrEqual(given.createsPerDay ?? 0 + day.used);
          expect(month.used).toBeLessThanOrEqual(given.createsPerMonth ?? 0 + month.used);
        }
        expect(Object.keys(one.row.running).length).toBeLessThanOrEqual(given.concurrent ?? 0);
        expect(one.row.taken.length).toBeLessThanOrEqual(150);
      }
    }),
    { numRuns: 300 },
  );
});
