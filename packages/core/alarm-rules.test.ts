import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { someAttempt, somePart } from "../../test/contract/table-fixtures.ts";
import { failuresInARow, USUAL_PICTURES_MIN } from "./alarm-models.ts";
import { ALARM_RULES, PART_STUCK_MS } from "./alarm-rules.ts";
import type { AlarmView } from "./alarm-view.ts";
import type { AlarmId } from "./alarms.ts";
import type { Attempt } from "./attempt.ts";
import { pacingReport, UNLIMITED } from "./pacing.ts";
import { emptyPacingRow } from "./pacing-row.ts";

const NOW = Date.parse("2026-11-22T12:00:00Z");
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const view = (change: Partial<AlarmView>): AlarmView => ({
  nowMs: NOW,
  today: "2026-11-22",
  attempts: [],
  open: [],
  parts: [],
  ledger: undefined,
  accounts: [],
  due: [],
  calendarUsedAtMs: null,
  failedImages: [],
  ...change,
});
const rings = (alarm: AlarmId, change: Partial<AlarmView>) => ALARM_RULES[alarm]?.(view(change)) ?? [];

let ids = 0;
function ended(minutesAgo: number, how: "succeeded" | string = "succeeded", seconds = 10): Attempt {
  const atMs = NOW - minutesAgo * MINUTE;
  const begunAtMs = atMs - seconds * 1000;
  return someAttempt({
    attemptId: `img_a_${String(++ids).padStart(5, "0")}-1`,
    provider: "replicate",
    model: "sdxl",
    createdAtMs: begunAtMs,
    submittingAtMs: begunAtMs,
    outcome:
      how === "succeeded"
        ? { kind: "succeeded", outputs: [{ kind: "url", url: "https://x" }], costMicros: null, atMs }
        : { kind: "failed", name: how, message: "", charged: false, costMicros: null, atMs },
  });
}
const failures = (count: number) =>
  Array.from({ length: count }, (_, at) => ended(count - at, "ProviderFailed"));

describe("consecutive-failures", () => {
  test("the fourth in a row rings, with its time; the third does not", () => {
    expect(rings("consecutive-failures", { attempts: failures(3) })).toStrictEqual([]);
    const four = failures(4);
    expect(rings("consecutive-failures", { attempts: four })).toStrictEqual([
      {
        provider: "replicate",
        model: "sdxl",
        sinceMs: NOW - MINUTE,
        facts: { failures: 4, last: "ProviderFailed" },
        message: "The last 4 attempts at sdxl of replicate failed, the newest by ProviderFailed.",
      },
    ]);
    // A fifth changes nothing of its beginning.
    const five = [...four, ended(0.5, "ProviderFailed")];
    expect(rings("consecutive-failures", { attempts: five })[0]?.sinceMs).toBe(NOW - MINUTE);
  });

  test("a success, another model, and what is no fault of the provider break or lengthen no row", () => {
    expect(rings("consecutive-failures", { attempts: [...failures(4), ended(0)] })).toStrictEqual([]);
    const other = { ...ended(0, "ProviderFailed"), model: "other" };
    expect(rings("consecutive-failures", { attempts: [...failures(3), other] })).toStrictEqual([]);
    const filtered = ended(0, "ContentRejected");
    expect(rings("consecutive-failures", { attempts: [...failures(3), filtered] })).toStrictEqual([]);
    const cancelled = { ...ended(0, "ProviderFailed"), cancelledAtMs: NOW };
    expect(rings("consecutive-failures", { attempts: [...failures(3), cancelled] })).toStrictEqual([]);
  });

  test("a day after the last one it is history", () => {
    const old = failures(4).map((attempt) => ({ ...attempt }));
    expect(rings("consecutive-failures", { attempts: old, nowMs: NOW - MINUTE + 24 * HOUR })).toHaveLength(1);
    expect(
      rings("consecutive-failures", { attempts: old, nowMs: NOW - MINUTE + 24 * HOUR + 1 }),
    ).toStrictEqual([]);
  });

  test("the order in which attempts arrive, and ends at one moment, change nothing", () => {
    const outcome = fc.record({ isSuccess: fc.boolean(), minute: fc.integer({ min: 0, max: 5 }) });
    fc.assert(
      fc.property(
        fc.array(outcome, { maxLength: 12 }),
        fc.infiniteStream(fc.double({ min: 0, max: 1 })),
        (ends, random) => {
          const attempts = ends.map(({ isSuccess, minute }) =>
            ended(minute, isSuccess ? "succeeded" : "ProviderFailed"),
          );
          const shuffled = attempts
            .map((attempt) => ({ attempt, at: random.next().value }))
            .sort((one, another) => one.at - another.at)
            .map(({ attempt }) => attempt);
          expect(rings("consecutive-failures", { attempts: shuffled })).toStrictEqual(
            rings("consecutive-failures", { attempts }),
          );
          // Counted anew, one by one from the newest end.
          const newestFirst = attempts.toSorted(
            (one, another) =>
              (another.outcome?.atMs ?? 0) - (one.outcome?.atMs ?? 0) ||
              (one.attemptId < another.attemptId ? 1 : -1),
          );
          let row = 0;
          while (newestFirst[row]?.outcome?.kind === "failed") row++;
          expect(failuresInARow(shuffled)).toHaveLength(row);
        },
      ),
    );
  });

  test("a clock that is a little off does not make it flap", () => {
    fc.assert(
      fc.property(fc.integer({ min: -5_000, max: 5_000 }), (skewMs) => {
        expect(rings("consecutive-failures", { attempts: failures(4), nowMs: NOW + skewMs })).toHaveLength(1);
      }),
    );
  });
});

describe("budgets", () => {
  const used = (limitMicros: number, usedMicros: number): Partial<AlarmView> => ({
    ledger: {
      account: "real",
      month: "2026-11",
      limits: { d: limitMicros },
      remaining: { "d.2026-11-22": limitMicros - usedMicros },
      holds: {},
      openHolds: 0,
      sweeps: 0,
    },
  });

  test("exactly four fifths ring, a micro less does not, whatever the limit", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200_000_000_000 }), (fifth) => {
        const limit = 5 * fifth;
        expect(rings("budget-80", used(limit, 4 * fifth))).toHaveLength(1);
        expect(rings("budget-80", used(limit, 4 * fifth - 1))).toStrictEqual([]);
        expect(rings("budget-100", used(limit, limit))).toHaveLength(1);
        expect(rings("budget-100", used(limit, limit - 1))).toStrictEqual([]);
        expect(rings("budget-100", used(limit, limit + 1))).toHaveLength(1);
      }),
    );
  });

  test("names scope and period; nothing bought, no limit and a limit of nothing are quiet", () => {
    expect(rings("budget-80", used(10_000_000, 8_000_000))).toStrictEqual([
      {
        provider: null,
        model: null,
        sinceMs: null,
        facts: { scope: "day", period: "2026-11-22", percent: 80 },
        message: "$8.00 of the day's budget of $10.00 are spent or held (2026-11-22).",
      },
    ]);
    expect(rings("budget-80", {})).toStrictEqual([]);
    expect(rings("budget-100", used(0, 0))).toStrictEqual([]);
  });

  test("whatever was spent is more than a limit of nothing", () => {
    for (const alarm of ["budget-80", "budget-100"] as const) {
      const [ringing] = rings(alarm, used(0, 1));
      expect(ringing?.facts).toStrictEqual({ scope: "day", period: "2026-11-22", percent: 101 });
    }
  });
});

describe("provider-slow", () => {
  const usual = (seconds: (at: number) => number, count = USUAL_PICTURES_MIN) =>
    Array.from({ length: count }, (_, at) => ended(60 + at, "succeeded", seconds(at)));
  const recent = (seconds: number) => [1, 2, 3, 4, 5].map((minute) => ended(minute, "succeeded", seconds));

  test("the last five against the model's own median and spread, and at least half as slow again", () => {
    const attempts = (seconds: number) => [...usual((at) => 8 + (at % 5)), ...recent(seconds)];
    // Median 10, median deviation 1: four deviations of 1.4826 are 5.93.
    expect(rings("provider-slow", { attempts: attempts(15.9) })).toStrictEqual([]);
    expect(rings("provider-slow", { attempts: attempts(16) })).toMatchObject([
      { provider: "replicate", model: "sdxl", facts: { seconds: 16, usual_seconds: 10, pictures: 20 } },
    ]);
    const steady = (seconds: number) => [...usual(() => 10), ...recent(seconds)];
    expect(rings("provider-slow", { attempts: steady(15) })).toStrictEqual([]);
    expect(rings("provider-slow", { attempts: steady(15.1) })).toHaveLength(1);
  });

  test("too few pictures say nothing; neither do failures, nor one slow picture", () => {
    expect(
      rings("provider-slow", { attempts: [...usual(() => 10, USUAL_PICTURES_MIN - 1), ...recent(60)] }),
    ).toStrictEqual([]);
    const one = [...usual(() => 10), ended(1, "succeeded", 200), ...recent(10).slice(1)];
    expect(rings("provider-slow", { attempts: one })).toStrictEqual([]);
    const slowFailures = [1, 2, 3, 4, 5].map((minute) => ended(minute, "ProviderFailed", 280));
    expect(
      rings("provider-slow", { attempts: [...usual(() => 10), ...recent(10), ...slowFailures] }),
    ).toStrictEqual([]);
  });
});

describe("accounts", () => {
  const account = (creates: number, limit: number | null, open = false): Partial<AlarmView> => {
    const row = { ...emptyPacingRow("replicate"), day: { date: "2026-11-22", creates } };
    const opened = open ? { openUntilMs: NOW + MINUTE, openForMs: MINUTE, openedBy: "fault" as const } : {};
    const limits = { ...UNLIMITED, createsPerDay: limit };
    return {
      accounts: [{ provider: "replicate", report: pacingReport({ ...row, ...opened }, limits, NOW, "UTC") }],
    };
  };

  test("quota-80 rings at exactly four fifths", () => {
    expect(rings("quota-80", account(79, 100))).toStrictEqual([]);
    expect(rings("quota-80", account(80, 100))).toMatchObject([
      { provider: "replicate", facts: { period: "day", used: 80, limit: 100 } },
    ]);
    expect(rings("quota-80", account(1_000, null))).toStrictEqual([]);
  });

  test("providers-closed rings for an open breaker and a quota that is used up", () => {
    expect(rings("providers-closed", account(99, 100))).toStrictEqual([]);
    expect(rings("providers-closed", account(100, 100))).toHaveLength(1);
    expect(rings("providers-closed", account(0, null, true))).toMatchObject([{ provider: "replicate" }]);
  });
});

describe("what stands still", () => {
  test("a part that has been open for a day, from its day on", () => {
    const part = (ageMs: number) => somePart({ createdAtMs: NOW - ageMs, open: true });
    expect(rings("executions-stuck", { parts: [part(PART_STUCK_MS)] })).toStrictEqual([]);
    expect(rings("executions-stuck", { parts: [part(PART_STUCK_MS + 1)] })).toMatchObject([
      { sinceMs: NOW - 1, facts: { parts: 1 } },
    ]);
  });

  test("money that is held an hour after the deadline; of one that waits for its turn seven hours", () => {
    const attempt = (change: Partial<Attempt>) => [
      someAttempt({ ledgerApplied: false, holdMicros: 5_000, createdAtMs: NOW - 2 * HOUR, ...change }),
    ];
    const due = { state: "submitted", deadlineAtMs: NOW - HOUR } as const;
    expect(rings("held-too-long", { open: attempt(due) })).toStrictEqual([]);
    expect(rings("held-too-long", { open: attempt({ ...due, deadlineAtMs: NOW - HOUR - 1 }) })).toMatchObject(
      [{ sinceMs: NOW - 1, facts: { attempts: 1, held_usd: 0.005 } }],
    );
    expect(
      rings("held-too-long", { open: attempt({ ...due, deadlineAtMs: 0, ledgerApplied: true }) }),
    ).toStrictEqual([]);
    expect(rings("held-too-long", { open: attempt({ state: "held", deadlineAtMs: 0 }) })).toStrictEqual([]);
    const waiting = attempt({ state: "held", deadlineAtMs: 0, createdAtMs: NOW - 7 * HOUR - 1 });
    expect(rings("held-too-long", { open: waiting })).toHaveLength(1);
  });

  test("a job that nobody has asked about for a quarter of an hour, whenever it was created", () => {
    const job = (waitedMs: number, change: Partial<Attempt> = {}) => [
      someAttempt({
        state: "submitted",
        outcome: null,
        createdAtMs: NOW - 5 * HOUR,
        submittedAtMs: NOW - 5 * HOUR,
        checkedAtMs: NOW - waitedMs,
        ...change,
      }),
    ];
    expect(rings("reconciler-behind", { open: job(15 * MINUTE) })).toStrictEqual([]);
    expect(rings("reconciler-behind", { open: job(15 * MINUTE + 1) })).toMatchObject([{ sinceMs: NOW - 1 }]);
    expect(rings("reconciler-behind", { open: job(HOUR, { state: "held" }) })).toStrictEqual([]);
    // A clock that is ahead of ours makes no wait negative.
    expect(rings("reconciler-behind", { open: job(-MINUTE) })).toStrictEqual([]);
  });
});

describe("nothing-produced", () => {
  const firing = (hoursAgo: number, images: AlarmView["due"][number]["images"]) => ({
    occurrenceId: `feet@${hoursAgo}`,
    scheduledAtMs: NOW - hoursAgo * HOUR,
    images,
  });
  const made = firing(3, [{ status: "completed" }]);
  const missed = (due: AlarmView["due"], calendarUsedAtMs: number | null) =>
    rings("nothing-produced", { due, calendarUsedAtMs }).map(({ message }) => message);

  test.each<[string, AlarmView["due"][number][], string[]]>([
    ["a picture", [made], []],
    ["one that waits for a person", [firing(3, [{ status: "failed" }, { status: "quarantined" }])], []],
    [
      "none of two",
      [firing(3, [{ status: "failed" }, { status: "rejected" }])],
      ["feet@3 brought none of 2 pictures."],
    ],
    ["still at it", [firing(3, [{ status: "failed" }, { status: "generating" }])], []],
    ["at it for too long", [firing(7, [{ status: "generating" }])], ["feet@7 brought none of 1 picture."]],
    ["cancelled", [firing(7, [{ status: "cancelled" }])], []],
    ["fired without images", [firing(1, [])], ["feet@1 fired, and nothing was planned."]],
    ["not fired, where others did", [made, firing(2.5, null)], ["feet@2.5 has not fired."]],
    ["not fired yet", [made, firing(1, null)], []],
    ["before the calendar was in use", [made, firing(3.1, null)], []],
    [
      "all stand still",
      [firing(3, null), firing(2.5, null)],
      ["feet@3 has not fired.", "feet@2.5 has not fired."],
    ],
  ])("%s", (_name, due, messages) => {
    expect(missed(due, NOW - 3 * HOUR)).toStrictEqual(messages);
  });
});

test("nothing-produced is quiet about a calendar that nobody uses", () => {
  const due = [{ occurrenceId: "feet@5", scheduledAtMs: NOW - 5 * HOUR, images: null }];
  expect(rings("nothing-produced", { due })).toStrictEqual([]);
});

test("images-failed rings for an hour, with the reasons", () => {
  const failed = (minutesAgo: number, name: string) => ({
    finishedAtMs: NOW - minutesAgo * MINUTE,
    failure: { name, message: "", rule: null },
  });
  expect(rings("images-failed", { failedImages: [failed(61, "ProviderFailed")] })).toStrictEqual([]);
  expect(
    rings("images-failed", { failedImages: [failed(60, "ProviderFailed"), failed(5, "OutputExpired")] }),
  ).toMatchObject([{ sinceMs: NOW - HOUR, facts: { images: 2, reasons: "OutputExpired ProviderFailed" } }]);
});
