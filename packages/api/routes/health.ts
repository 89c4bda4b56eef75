/** @module How the installation is: for anybody whether it is well, for operators what rings. */
import { ALARM_IDS, type AlarmReport, alarmDocument, evaluateAlarms } from "@atelier/core/alarms";
import { instant } from "@atelier/core/document-fields";
import * as z from "zod";
import type { ApiApp } from "../context.ts";
import type { ApiDeps } from "../deps.ts";
import { admit } from "../gate.ts";
import { declared } from "../route.ts";
import { VERSION } from "../version.ts";

/** Anybody may ask: however often they do, the records are read so often at most. */
const ASKED_ANEW_AFTER_MS = 15_000;
/** While they are read anew, callers are told what they said before: under load a reading takes seconds. Not for longer than this. */
const TOLD_FOR_MS = 30_000;

const sinceSchema = instant("Since when it rings, as far as the records tell; null otherwise.").nullable();
const stateSchema = z.enum(["ok", "ringing"]).meta({ description: "`ringing`: somebody has to look." });
const alarmNameSchema = z
  .enum(ALARM_IDS)
  .meta({ description: "Which alarm; the section of that name in `docs/operations.md` explains it." });

const alarmSchema = z
  .object({
    alarm: alarmNameSchema,
    state: stateSchema,
    severity: z
      .enum(["critical", "warning"])
      .meta({ description: "`critical`: nothing is made, or money is at stake." }),
    since: sinceSchema,
    provider: z.string().nullable().meta({ description: "Of whom; null where it is about no provider." }),
    model: z
      .string()
      .nullable()
      .meta({ description: "Of what, by the catalogue's name; null where it is about no model." }),
    facts: z
      .record(z.string(), z.union([z.string(), z.number()]))
      .meta({ description: "Numbers and names that it rings for, by name." }),
    runbook: z
      .string()
      .meta({ description: "The section of the documentation that says what to look at and do." }),
    message: z.string().meta({ description: "What is wrong, with the particulars, in one sentence." }),
  })
  .meta({ id: "Alarm", description: "Something that somebody has to look at." });

const healthSchema = z
  .object({
    status: z.enum(["ok", "degraded"]).meta({
      description: "Degraded: something rings. When the stores do not answer, the answer is a 503.",
    }),
    version: z.string().meta({ description: "Which release answers." }),
    checks: z
      .array(z.object({ name: alarmNameSchema, state: stateSchema, since: sinceSchema }))
      .meta({ description: "Each alarm that is evaluated here, whoever it rings for." }),
    alarms: z
      .array(alarmSchema)
      .optional()
      .meta({ description: "What rings, with the facts; only with a token that has metrics:read." }),
  })
  .meta({ id: "Health", description: "Whether the installation is well." });

const getHealth = declared({
  method: "get",
  path: "/v1/health",
  operationId: "getHealth",
  tags: ["operations"],
  summary: "Whether the installation is well",
  description:
    "Needs no token. One with `metrics:read` is told what rings, too. The records are read every 15 seconds at most; what they said is told for 30.",
  scope: null,
  request: {},
  responses: {
    200: { description: "It answers.", content: { "application/json": { schema: healthSchema } } },
  },
  problems: ["Unauthenticated", "RateLimited"],
});

export function addHealthRoutes(app: ApiApp): void {
  const alarms = evaluatedRarely();
  app.openapi(getHealth, async (c) => {
    if (c.req.header("authorization") !== undefined) await admit(c);
    const reports = await alarms(c.var.deps);
    const isOperator = c.var.caller.scopes.has("metrics:read");
    return c.json(
      {
        status: reports.some(isRinging) ? ("degraded" as const) : ("ok" as const),
        version: VERSION,
        checks: checksOf(reports),
        ...(isOperator && {
          alarms: reports
            .filter(isRinging)
            .map((report) => ({ ...alarmDocument(report), facts: { ...report.facts } })),
        }),
      },
      200,
    );
  });
}

interface Reading {
  readonly begunAtMs: number;
  readonly reports: Promise<readonly AlarmReport[]>;
}

/** Callers at the same time share one reading; after one that failed, the next caller waits for a new one. */
function evaluatedRarely(): (deps: ApiDeps) => Promise<readonly AlarmReport[]> {
  let latest: Reading | undefined;
  /** The latest that has ended, and ended well. */
  let known: Reading | undefined;

  function begin(deps: ApiDeps): Reading {
    const reading = { begunAtMs: deps.clock(), reports: evaluateAlarms(deps) };
    reading.reports.then(
      () => {
        if (latest === reading) known = reading;
      },
      () => {
        if (latest === reading) latest = known = undefined;
      },
    );
    return reading;
  }

  return (deps) => {
    const nowMs = deps.clock();
    const isWithin = (reading: Reading | undefined, ms: number): reading is Reading =>
      reading !== undefined && nowMs - reading.begunAtMs < ms;
    // One that takes this long, such as in a function that was put to sleep, is given up.
    if (!isWithin(latest, latest === known ? ASKED_ANEW_AFTER_MS : TOLD_FOR_MS)) latest = begin(deps);
    return isWithin(known, TOLD_FOR_MS) ? known.reports : latest.reports;
  };
}

/** One for each alarm, whoever it rings for. */
function checksOf(reports: readonly AlarmReport[]) {
  return [...new Set(reports.map(({ alarm }) => alarm))].map((name) => {
    const ringing = reports.filter((report) => report.alarm === name && isRinging(report));
    const sinceMs = ringing.flatMap((report) => report.sinceMs ?? []);
    return {
      name,
      state: ringing.length > 0 ? ("ringing" as const) : ("ok" as const),
      since: sinceMs.length > 0 ? new Date(Math.min(...sinceMs)).toISOString() : null,
    };
  });
}

function isRinging({ state }: AlarmReport): boolean {
  return state === "ringing";
}
