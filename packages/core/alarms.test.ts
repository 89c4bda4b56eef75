import { readFile } from "node:fs/promises";
import { createPacingStore } from "@atelier/aws/dynamo/pacing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CATALOGUE } from "../../test/builders/catalogue.ts";
import { type MemoryTables, startMemoryTables } from "../../test/builders/memory-table.ts";
import { startWorld, TIMEZONE, type World } from "../../test/builders/world.ts";
import { someAttempt, someImage, someRequest } from "../../test/contract/table-fixtures.ts";
import { alarmChanges } from "./alarm-changes.ts";
import { alarmGauges } from "./alarm-gauges.ts";
import { ALARM_RULES } from "./alarm-rules.ts";
import { readAlarmView } from "./alarm-view.ts";
import { ALARM_IDS, ALARMS, type AlarmDeps, type AlarmReport, evaluateAlarms, runbookOf } from "./alarms.ts";
import { scheduleSchema } from "./catalogue.ts";
import { EVENTS, eventDocument, readEvent } from "./events.ts";
import { openMonth } from "./ledger-month.ts";
import { METRICS } from "./metrics.ts";

describe("the table", () => {
  test("every alarm names a section of the operations page", async () => {
    const page = await readFile(new URL("../../docs/operations.md", import.meta.url), "utf8");
    const anchors = [...page.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
      title
        .toLowerCase()
        .replace(/[^a-z0-9 -]/g, "")
        .replaceAll(" ", "-"),
    );
    for (const id of ALARM_IDS) {
      expect(anchors).toContain(id);
      expect(runbookOf(id)).toBe(`docs/operations.md#${id}`);
    }
    // And no section is of an alarm that is gone.
    const section = page.slice(page.indexOf("## When an alarm rings"), page.indexOf("### Firing a lost day"));
    expect([...section.matchAll(/^### (.+)$/gm)].map(([, title]) => title).sort()).toStrictEqual(
      [...ALARM_IDS].sort(),
    );
  });

  test("every alarm has a rule, or none that one machine could follow; metrics that are watched exist by what they are watched", () => {
    expect(Object.keys(ALARM_RULES).sort()).toStrictEqual([...ALARM_IDS].sort());
    for (const id of ALARM_IDS) {
      const { source } = ALARMS[id].watch;
      if (source.kind !== "own" && source.kind !== "own-by-provider") continue;
      const wanted = source.kind === "own-by-provider" ? "provider" : "scopes" in source ? "scope" : "";
      expect(METRICS[source.metric].by.map((set) => set.join())).toContain(wanted);
    }
  });
});

describe("on records", () => {
  let tables: MemoryTables;
  let world: World;
  beforeAll(async () => {
    tables = await startMemoryTables();
    world = await startWorld(await tables.table());
  });
  afterAll(async () => {
    await world.close();
    await tables.close();
  });

  const deps = (): AlarmDeps => ({
    ...world.steps,
    catalogue: CATALOGUE,
    account: "real",
    pacingStore: createPacingStore(world.dynamo),
    timezone: TIMEZONE,
  });
  const stateOf = async (alarm: string) =>
    (await evaluateAlarms(deps())).filter((report) => report.alarm === alarm && report.state === "ringing");

  test("an empty installation is quiet, with one report for each alarm that it can know of", async () => {
    const reports = await evaluateAlarms(deps());
    expect(reports.map(({ alarm, state }) => `${alarm} ${state}`)).toStrictEqual(
      ALARM_IDS.filter((id) => ALARM_RULES[id] !== null).map((id) => `${id} ok`),
    );
  });

  test("four failed attempts ring, as an alarm and as the gauge of the stack; so does a budget", async () => {
    for (let number = 1; number <= 4; number++) {
      const atMs = world.clock() - (5 - number) * 60_000;
      await world.steps.attempts.putIfAbsent(
        someAttempt({
          attemptId: `img_x_0000${number}-1`,
          imageId: `img_x_0000${number}`,
          provider: "replicate",
          createdAtMs: atMs,
          submittingAtMs: atMs,
          ledgerApplied: true,
          settledMicros: 0,
          state: "failed",
          outcome: {
            kind: "failed",
            name: "ProviderFailed",
            message: "",
            charged: false,
            costMicros: null,
            atMs,
          },
        }),
      );
    }
    expect(await stateOf("consecutive-failures")).toMatchObject([
      { provider: "replicate", facts: { failures: 4 } },
    ]);

    const day = new Date(world.clock()).toISOString().slice(0, 10);
    const ledgerDeps = {
      ledger: world.steps.ledger,
      firstLimits: { dayMicros: 1_000, monthMicros: 100_000 },
    };
    const row = await openMonth("real", day.slice(0, 7), ledgerDeps);
    await world.steps.ledger.hold(row, {
      key: "img_x_00009-1",
      amountMicros: 800,
      counters: [
        { counter: "m", limit: "m" },
        { counter: `d.${day}`, limit: "d" },
      ],
      openHoldsMax: 500,
    });
    expect(await stateOf("budget-80")).toMatchObject([{ facts: { scope: "day", percent: 80 } }]);
    expect(await stateOf("budget-100")).toStrictEqual([]);

    const { measurements } = await alarmGauges({ ...deps(), providers: ["replicate"] });
    expect(measurements).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: "ConsecutiveFailures", value: 4 }),
        { name: "BudgetShare", value: 80, dimensions: { scope: "day" } },
        { name: "HeldTooLong", value: 0 },
        { name: "ReconcilerLagSeconds", value: 0 },
      ]),
    );
  });
});

describe("a calendar on records", () => {
  let tables: MemoryTables;
  let world: World;
  beforeAll(async () => {
    tables = await startMemoryTables();
    world = await startWorld(await tables.table());
  });
  afterAll(async () => {
    await world.close();
    await tables.close();
  });

  const HOUR_MS = 60 * 60_000;
  const SCHEDULE = scheduleSchema.parse({
    timezone: "UTC",
    active: "daily",
    plans: {
      daily: [
        {
          name: "noon",
          days: ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
          at: "12:00",
          action: { kind: "generate", category: "weekend_special", count: 1 },
        },
      ],
    },
  });
  const missedAt = async (now: string) => {
    const view = await readAlarmView({
      ...world.steps,
      catalogue: { providers: [], schedule: SCHEDULE },
      account: "real",
      pacingStore: createPacingStore(world.dynamo),
      clock: () => Date.parse(now),
      timezone: "UTC",
    });
    return ALARM_RULES["nothing-produced"]?.(view).map(({ message }) => message);
  };
  /** @param afterHours how late it fired */
  const fired = async (date: string, afterHours: number) => {
    const scheduledAtMs = Date.parse(`${date}T12:00:00Z`);
    const requestId = `req_${date}`;
    const createdAtMs = scheduledAtMs + afterHours * HOUR_MS;
    await world.steps.requests.putIfAbsent(someRequest({ requestId, createdAtMs }));
    await world.steps.images.putIfAbsent(
      someImage({ imageId: `img_${date}_00000`, requestId, status: "completed" }),
    );
    const occurrence = { occurrenceId: `noon@${date}`, entry: "noon", localDate: date, scheduledAtMs };
    await world.steps.requests.occurrences.putIfAbsent({
      ...occurrence,
      requestId,
      category: "weekend_special",
      count: 1,
    });
  };

  test("rings from the first firing on, also when it has stood still for weeks", async () => {
    expect(await missedAt("2026-11-02T15:00:00Z")).toStrictEqual([]);
    // Fired by hand, long after: nothing was expected before.
    await fired("2026-10-30", 74);
    expect(await missedAt("2026-11-02T15:00:00Z")).toStrictEqual([]);
    await fired("2026-11-03", 0);
    expect(await missedAt("2026-11-03T15:00:00Z")).toStrictEqual([]);
    expect(await missedAt("2026-11-04T13:00:00Z")).toStrictEqual([]);
    expect(await missedAt("2026-11-04T15:00:00Z")).toStrictEqual(["noon@2026-11-04 has not fired."]);
    for (const day of ["06", "10", "30"]) {
      const before = String(Number(day) - 1).padStart(2, "0");
      expect(await missedAt(`2026-11-${day}T15:00:00Z`)).toStrictEqual([
        `noon@2026-11-${before} has not fired.`,
        `noon@2026-11-${day} has not fired.`,
      ]);
    }
  });
});

describe("changes", () => {
  const report = (change: Partial<AlarmReport> = {}): AlarmReport => ({
    alarm: "budget-80",
    state: "ringing",
    severity: "warning",
    sinceMs: null,
    provider: null,
    model: null,
    facts: { scope: "day", period: "2026-11-22" },
    runbook: runbookOf("budget-80"),
    message: "Four fifths are spent.",
    ...change,
  });

  test("what begins to ring is told once, with the time at which it was seen first; its end as well", () => {
    const first = alarmChanges({}, [report()], 1_000);
    expect(first.events.map(({ type, atMs }) => [type, atMs])).toStrictEqual([["alarm-raised", 1_000]]);
    expect(first.reports[0]?.sinceMs).toBe(1_000);
    const again = alarmChanges(first.ringing, [report()], 2_000);
    expect(again.events).toStrictEqual([]);
    expect(again.reports[0]?.sinceMs).toBe(1_000);
    const over = alarmChanges(again.ringing, [report({ state: "ok" })], 3_000);
    expect(over.events.map(({ type, atMs }) => [type, atMs])).toStrictEqual([["alarm-cleared", 3_000]]);
    expect(over.ringing).toStrictEqual({});
  });

  test("told again by a process that did not get to keep it, it is the same event", () => {
    const found = [report({ sinceMs: 500 })];
    const [one, other] = [alarmChanges({}, found, 1_000), alarmChanges({}, found, 9_000)];
    expect(one.events).toStrictEqual(other.events);
    for (const event of one.events)
      expect(readEvent(JSON.parse(JSON.stringify(eventDocument(event))))).not.toBeNull();
  });

  test("the day's and the month's budget ring side by side", () => {
    const month = report({ facts: { scope: "month", period: "2026-11" } });
    expect(alarmChanges({}, [report(), month], 1_000).events).toHaveLength(2);
    expect(EVENTS["alarm-raised"].version).toBe(1);
  });
});
