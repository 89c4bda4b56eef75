/** @module What has changed since alarms were looked at before: who began to ring, and who rings no more. */
import * as z from "zod";
import type { AlarmReport } from "./alarms.ts";
import type { AtelierEvent, EventDetail } from "./events.ts";
import { eventIdOf } from "./ids.ts";

/** What rings, by alarm, provider and model; kept from one look to the next. */
export const ringingSchema = z.record(
  z.string(),
  z.object({
    alarm: z.string(),
    severity: z.enum(["critical", "warning"]),
    provider: z.string().nullable(),
    model: z.string().nullable(),
    sinceMs: z.int(),
    message: z.string(),
    runbook: z.string(),
  }),
);
export type Ringing = z.infer<typeof ringingSchema>;

export interface AlarmChanges {
  /** The reports, each ringing one with the time at which it was first seen where the records tell none. */
  readonly reports: readonly AlarmReport[];
  readonly ringing: Ringing;
  /** To be told before `ringing` is kept: told twice at worst, under the same ids. */
  readonly events: readonly AtelierEvent[];
}

export function alarmChanges(before: Ringing, found: readonly AlarmReport[], nowMs: number): AlarmChanges {
  const reports = found.map((report) =>
    report.state === "ok"
      ? report
      : // What began earlier still rings: a time that moves with the records would be another alarm each time.
        { ...report, sinceMs: before[keyOf(report)]?.sinceMs ?? report.sinceMs ?? nowMs },
  );
  const ringing = Object.fromEntries(
    reports.flatMap((report) =>
      report.state === "ok" ? [] : [[keyOf(report), keptOf(report, nowMs)] as const],
    ),
  );
  const raised = Object.entries(ringing).filter(([key]) => before[key] === undefined);
  const cleared = Object.entries(before).filter(([key]) => ringing[key] === undefined);
  return {
    reports,
    ringing,
    events: [
      ...raised.map(([key, alarm]) => eventOf("alarm-raised", key, alarm, alarm.sinceMs)),
      ...cleared.map(([key, alarm]) => eventOf("alarm-cleared", key, alarm, nowMs)),
    ],
  };
}

function keyOf({ alarm, provider, model, facts }: AlarmReport): string {
  // Budgets and occurrences ring side by side for the same nobody.
  const { scope = "", period = "", occurrence = "" } = facts;
  return [alarm, provider ?? "", model ?? "", scope, period, occurrence].join(" ").trimEnd();
}

function keptOf(report: AlarmReport, nowMs: number): Ringing[string] {
  const { alarm, severity, provider, model, sinceMs, message, runbook } = report;
  return { alarm, severity, provider, model, sinceMs: sinceMs ?? nowMs, message, runbook };
}

function eventOf(
  type: "alarm-raised" | "alarm-cleared",
  key: string,
  { sinceMs, ...alarm }: Ringing[string],
  atMs: number,
): AtelierEvent {
  const detail: EventDetail<"alarm-raised"> = { ...alarm, since: new Date(sinceMs).toISOString() };
  return { id: eventIdOf(type, key, sinceMs), type, atMs, detail };
}
