/// <reference path="../.sst/platform/config.d.ts" />
import type { ScheduleEntry } from "@atelier/core/catalogue";
import type { Settings } from "./settings.ts";
import { prefix } from "./stage.ts";
import { trustOnlyHere } from "./trust.ts";

const DAY_SECONDS = 24 * 60 * 60;

interface Targets {
  readonly settings: Settings;
  readonly machine: aws.sfn.StateMachine;
  readonly reconcile: sst.aws.Function;
  readonly reprocess: sst.aws.Function;
  readonly daily: sst.aws.Function;
}

/** The calendar, what is called each minute (the reconciler, and whoever makes versions), and what once a day. */
export function schedules({ settings, machine, reconcile, reprocess, daily }: Targets) {
  const deadLetters = new aws.sqs.Queue("DeadLetters", {
    messageRetentionSeconds: 14 * DAY_SECONDS,
    sqsManagedSseEnabled: true,
  });
  const role = new aws.iam.Role("SchedulerRole", {
    assumeRolePolicy: trustOnlyHere("scheduler.amazonaws.com"),
    inlinePolicies: [
      {
        name: "schedules",
        policy: aws.iam.getPolicyDocumentOutput({
          statements: [
            { actions: ["states:StartExecution"], resources: [machine.arn] },
            {
              actions: ["lambda:InvokeFunction"],
              resources: [reconcile, reprocess, daily].map(({ arn }) => arn),
            },
            { actions: ["sqs:SendMessage"], resources: [deadLetters.arn] },
          ],
        }).json,
      },
    ],
  });
  const group = new aws.scheduler.ScheduleGroup("Schedules", { name: prefix });
  const fire = { groupName: group.name, flexibleTimeWindow: { mode: "OFF" } };
  const delivered = { roleArn: role.arn, deadLetterConfig: { arn: deadLetters.arn } };

  for (const entry of generatingEntries(settings)) {
    new aws.scheduler.Schedule(titleOf(entry.name), {
      ...fire,
      name: entry.name,
      scheduleExpression: cronOf(entry),
      scheduleExpressionTimezone: settings.timezone,
      state: settings.calendarFires ? "ENABLED" : "DISABLED",
      target: {
        ...delivered,
        arn: machine.arn,
        // The date of an occurrence is that of the time it was scheduled for, however late it is delivered.
        input: JSON.stringify({ entry: entry.name, scheduledTime: "<aws.scheduler.scheduled-time>" }),
        // A picture of the day is still wanted that afternoon; deliveries in excess end at once.
        retryPolicy: { maximumRetryAttempts: 20, maximumEventAgeInSeconds: 6 * 60 * 60 },
      },
    });
  }
  for (const [name, each] of Object.entries({ reconcile, reprocess })) {
    new aws.scheduler.Schedule(titleOf(name), {
      ...fire,
      name,
      scheduleExpression: "rate(1 minute)",
      scheduleExpressionTimezone: settings.timezone,
      target: {
        ...delivered,
        arn: each.arn,
        input: JSON.stringify({}),
        // The next minute does better.
        retryPolicy: { maximumRetryAttempts: 1, maximumEventAgeInSeconds: 60 },
      },
    });
  }
  new aws.scheduler.Schedule("DailySchedule", {
    ...fire,
    name: "daily",
    scheduleExpression: cronOf(reportEntry(settings) ?? REPORT_DEFAULT),
    scheduleExpressionTimezone: settings.timezone,
    target: {
      ...delivered,
      arn: daily.arn,
      input: JSON.stringify({}),
      retryPolicy: { maximumRetryAttempts: 5, maximumEventAgeInSeconds: 6 * 60 * 60 },
    },
  });
  return { deadLetters };
}

/** Where the calendar has no report. */
const REPORT_DEFAULT: Pick<ScheduleEntry, "at" | "days"> = {
  at: "07:30",
  days: ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
};

function generatingEntries(settings: Settings): readonly ScheduleEntry[] {
  return activePlan(settings).filter((entry) => entry.action.kind === "generate");
}

function reportEntry(settings: Settings): ScheduleEntry | undefined {
  return activePlan(settings).find((entry) => entry.action.kind === "reconcile-and-report");
}

function activePlan({ schedule }: Settings): readonly ScheduleEntry[] {
  const plan = schedule.plans[schedule.active];
  if (!plan) throw new Error(`The active plan ${schedule.active} is missing in templates/schedule.yaml.`);
  return plan;
}

/** `06:30` on Monday and Friday: `cron(30 6 ? * MON,FRI *)`. */
function cronOf({ at, days }: Pick<ScheduleEntry, "at" | "days">): string {
  const [hour, minute] = at.split(":").map(Number);
  return `cron(${minute} ${hour} ? * ${days.map((day) => day.toUpperCase()).join(",")} *)`;
}

function titleOf(entryName: string): string {
  return `${entryName
    .split(/[^a-z0-9]/i)
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join("")}Schedule`;
}
