/**
 * @module Everything that a person must hear of; what the product mends by itself is none of it. One table: the stack makes
 * CloudWatch alarms of it, and one machine evaluates the same alarms from its records (`alarm-rules.ts`).
 */
import { ALARM_RULES, type Finding, QUOTA_WARNING_PERCENT, RECONCILER_LAG_MAX_MS } from "./alarm-rules.ts";
import { type AlarmDeps, readAlarmView } from "./alarm-view.ts";
import { CONSECUTIVE_FAILURES_MAX } from "./health.ts";
import { BUDGET_WARNING_PERCENT } from "./ledger-month.ts";
import type { MetricName } from "./metrics.ts";

export type { AlarmDeps } from "./alarm-view.ts";

/** What CloudWatch looks at; several metrics are brought together first. */
export type AlarmSource =
  /** Our own: one, or the most over the values of a dimension. */
  | { readonly kind: "own"; readonly metric: MetricName; readonly scopes?: readonly string[] }
  /** The same for each provider of the deployment. */
  | { readonly kind: "own-by-provider"; readonly metric: MetricName }
  | {
      readonly kind: "function";
      readonly metric: "Errors" | "Invocations";
      readonly of: string;
    }
  /** The sum over all functions but these. */
  | {
      readonly kind: "functions";
      readonly metric: "Throttles";
      readonly except: readonly string[];
    }
  | {
      readonly kind: "machine";
      readonly metric: "ExecutionsFailed" | "ExecutionsTimedOut" | "ExecutionsAborted";
    }
  | { readonly kind: "dead-letters" }
  /** The address of the HTTP API: answers from 500 on, whoever made them. */
  | { readonly kind: "api"; readonly metric: "5xx" };

export interface Watch {
  readonly source: AlarmSource;
  readonly statistic: "Sum" | "Maximum" | "Average";
  readonly periodMinutes: number;
  readonly periods: number;
  /** How many of them; left out: all. */
  readonly datapoints?: number;
  readonly is: ">" | ">=" | "<" | "above-its-usual";
  /** Of `above-its-usual`: how many standard deviations wide the band is. */
  readonly threshold: number;
  /** Silence rings. */
  readonly rings?: "without-data";
}

export interface Alarm {
  readonly title: string;
  /** `critical`: nothing is made, or money is at stake. */
  readonly severity: "critical" | "warning";
  /** One sentence, without the particulars. */
  readonly meaning: string;
  readonly watch: Watch;
}

const anyIn = (
  source: AlarmSource,
  periodMinutes = 5,
  more: Partial<Pick<Watch, "statistic" | "periods">> = {},
): Watch => ({ source, statistic: "Sum", periodMinutes, periods: 1, is: ">", threshold: 0, ...more });

/** A gauge that each pass of the reconciler writes. */
const gauge = (
  source: Extract<AlarmSource, { kind: "own" | "own-by-provider" }>,
  is: ">" | ">=",
  threshold: number,
): Watch => ({ source, statistic: "Maximum", periodMinutes: 5, periods: 1, is, threshold });

const own = (metric: MetricName, scopes?: readonly string[]) =>
  ({ kind: "own", metric, ...(scopes && { scopes }) }) as const;

/** Deviations from the usual that are no chance any more; CloudWatch's own default is 2, which rings once a day. */
const BAND_DEVIATIONS = 4;
/** One is a client's bad luck: they ask again. */
const API_ERRORS_MIN = 5;

export const ALARMS = {
  "consecutive-failures": {
    title: "A model fails again and again",
    severity: "critical",
    meaning: "More than three attempts in a row failed at one model, by a fault of its provider.",
    watch: gauge(own("ConsecutiveFailures"), ">", CONSECUTIVE_FAILURES_MAX),
  },
  "budget-80": {
    title: "Budget at 80 %",
    severity: "warning",
    meaning: "Four fifths of a day's or month's budget are spent or held.",
    watch: gauge(own("BudgetShare", ["day", "month"]), ">=", BUDGET_WARNING_PERCENT),
  },
  "budget-100": {
    title: "Budget used up",
    severity: "critical",
    meaning: "A day's or month's budget is spent or held as a whole: nothing more is bought.",
    watch: gauge(own("BudgetShare", ["day", "month"]), ">=", 100),
  },
  "provider-slow": {
    title: "A provider is slower than usual",
    severity: "warning",
    meaning: "A provider takes much longer for a picture than it usually does.",
    watch: {
      source: { kind: "own-by-provider", metric: "GenerationSeconds" },
      statistic: "Average",
      periodMinutes: 15,
      periods: 3,
      datapoints: 2,
      is: "above-its-usual",
      threshold: BAND_DEVIATIONS,
    },
  },
  "quota-80": {
    title: "A provider's quota at 80 %",
    severity: "warning",
    meaning: "Four fifths of a provider's own quota of the day or month are used.",
    watch: gauge({ kind: "own-by-provider", metric: "QuotaShare" }, ">=", QUOTA_WARNING_PERCENT),
  },
  "executions-failed": {
    title: "An execution failed",
    severity: "critical",
    meaning: "An execution failed outside of its images: plan could not begin.",
    watch: anyIn({ kind: "machine", metric: "ExecutionsFailed" }),
  },
  "executions-timed-out": {
    title: "An execution timed out",
    severity: "critical",
    meaning: "An execution ran out of its time; the reconciler starts what is left of it again.",
    watch: anyIn({ kind: "machine", metric: "ExecutionsTimedOut" }),
  },
  "executions-aborted": {
    title: "An execution was stopped",
    severity: "warning",
    meaning: "Somebody stopped an execution; the reconciler starts what is left of it again.",
    watch: anyIn({ kind: "machine", metric: "ExecutionsAborted" }),
  },
  "executions-stuck": {
    title: "A request does not come to its end",
    severity: "critical",
    meaning: "A part of a request has been open for a day.",
    watch: gauge(own("PartsStuck"), ">", 0),
  },
  "held-too-long": {
    title: "Money is held too long",
    severity: "warning",
    meaning: "An attempt's money is still held an hour after the attempt had to be over.",
    watch: gauge(own("HeldTooLong"), ">", 0),
  },
  "nothing-produced": {
    title: "Nothing was produced",
    severity: "critical",
    meaning: "The plan or somebody asked for pictures, and not a single one was made.",
    watch: anyIn(own("RequestsWithoutPictures")),
  },
  // No execution fails for an image: the Map leads each of its errors to abandon.
  "images-failed": {
    title: "Images failed",
    severity: "warning",
    meaning: "Images came to their end without a picture; their records and the audit say why.",
    watch: anyIn(own("ImagesFailed")),
  },
  "providers-unreachable": {
    title: "A provider does not answer",
    severity: "warning",
    meaning: "A provider has not answered the reconciler for a quarter of an hour.",
    watch: anyIn(own("ProvidersUnreachable"), 5, { statistic: "Maximum", periods: 3 }),
  },
  "providers-closed": {
    title: "A provider takes no creates",
    severity: "critical",
    meaning:
      "For a quarter of an hour nothing has been bought from a provider: it fails, refuses our account, or its quota is used up.",
    watch: anyIn(own("ProvidersClosed"), 5, { statistic: "Maximum", periods: 3 }),
  },
  "classifier-failed": {
    title: "Pictures are not judged",
    severity: "critical",
    meaning: "Rekognition judged no picture: what cannot be judged waits for a person.",
    watch: anyIn(own("ClassifierFailed")),
  },
  "dead-letters": {
    title: "A firing was lost",
    severity: "critical",
    meaning: "A firing of the calendar could not be delivered; the message in the queue says why.",
    watch: anyIn({ kind: "dead-letters" }, 5, { statistic: "Maximum" }),
  },
  "reconciler-behind": {
    title: "The reconciler is behind",
    severity: "critical",
    meaning: "A job at a provider has not been asked about for a quarter of an hour.",
    watch: gauge(own("ReconcilerLagSeconds"), ">", RECONCILER_LAG_MAX_MS / 1000),
  },
  "reconciler-errors": {
    title: "The reconciler fails",
    severity: "critical",
    meaning: "The reconciler failed twice within twenty minutes: lost answers and open holds wait.",
    // One that always times out, one at a time, fails once in five to six minutes, and Lambda dates an error by the
    // beginning of its call: the newest period is still empty when it is looked at.
    watch: { ...anyIn({ kind: "function", metric: "Errors", of: "reconcile" }), periods: 4, datapoints: 2 },
  },
  "reconciler-silent": {
    title: "The reconciler does not run",
    severity: "critical",
    meaning: "The reconciler has not run for a quarter of an hour.",
    watch: {
      source: { kind: "function", metric: "Invocations", of: "reconcile" },
      statistic: "Sum",
      periodMinutes: 15,
      periods: 1,
      is: "<",
      threshold: 1,
      rings: "without-data",
    },
  },
  "abandon-errors": {
    title: "Failed images stay open",
    severity: "critical",
    meaning: "The last resort of a failed image failed itself: the image stays open.",
    watch: anyIn({ kind: "function", metric: "Errors", of: "abandon" }),
  },
  "webhook-errors": {
    title: "Notifications fail",
    severity: "warning",
    meaning: "Provider notifications fail; the reconciler learns the outcomes later instead.",
    watch: anyIn({ kind: "function", metric: "Errors", of: "webhook" }),
  },
  "upkeep-errors": {
    title: "What is due fails",
    severity: "critical",
    meaning: "The daily round failed: erasure, retention, unfinished reviews or the report wait.",
    watch: anyIn({ kind: "function", metric: "Errors", of: "daily" }),
  },
  "reprocess-errors": {
    title: "Versions are not made",
    severity: "warning",
    meaning: "What makes versions and ends reviews failed twice within twenty minutes.",
    // Its next minute does better.
    watch: { ...anyIn({ kind: "function", metric: "Errors", of: "reprocess" }), periods: 4, datapoints: 2 },
  },
  "api-errors": {
    title: "The API fails",
    severity: "critical",
    meaning: "Five or more calls of the API were answered by 500 or above within five minutes.",
    watch: { ...anyIn({ kind: "api", metric: "5xx" }), is: ">=", threshold: API_ERRORS_MIN },
  },
  throttles: {
    title: "Calls are refused",
    severity: "warning",
    meaning: "Lambda refused calls of a function: the account's or the function's concurrency is used up.",
    // Those that are called each minute, one at a time: one that is still busy refuses its next minute by design.
    watch: anyIn({ kind: "functions", metric: "Throttles", except: ["reconcile", "reprocess"] }),
  },
} as const satisfies Record<string, Alarm>;

export type AlarmId = keyof typeof ALARMS;
export const ALARM_IDS = Object.keys(ALARMS) as AlarmId[];

/** Where an alarm is explained, from the checkout's root. */
export function runbookOf(alarm: AlarmId): string {
  return `docs/operations.md#${alarm}`;
}

export interface AlarmReport {
  readonly alarm: AlarmId;
  readonly state: "ok" | "ringing";
  readonly severity: Alarm["severity"];
  /** Since when it rings, as far as the records tell. */
  readonly sinceMs: number | null;
  /** Of whom; null where the alarm is about no provider. */
  readonly provider: string | null;
  readonly model: string | null;
  readonly facts: Finding["facts"];
  /** A page of the documentation, with the section. */
  readonly runbook: string;
  /** One sentence. */
  readonly message: string;
}

/**
 * Evaluates every alarm that one machine can know of from its records: bounded reads, no scan, nothing written. An alarm may
 * ring for several providers and models, each with its own report; one that is quiet has a single one. Those that watch what
 * only AWS has (executions, queues, functions) are left out.
 *
 * @throws AtelierError `StorageUnavailable`
 */
export async function evaluateAlarms(deps: AlarmDeps): Promise<AlarmReport[]> {
  const view = await readAlarmView(deps);
  return ALARM_IDS.flatMap((alarm): AlarmReport[] => {
    const rule = ALARM_RULES[alarm];
    if (rule === null) return [];
    const { severity, meaning } = ALARMS[alarm];
    const known = { alarm, severity, runbook: runbookOf(alarm) };
    const findings = rule(view);
    if (findings.length > 0) return findings.map((finding) => ({ ...known, state: "ringing", ...finding }));
    return [
      { ...known, state: "ok", sinceMs: null, provider: null, model: null, facts: {}, message: meaning },
    ];
  });
}

/** The alarms that one machine evaluates. */
export const LOCAL_ALARM_IDS = ALARM_IDS.filter((id) => ALARM_RULES[id] !== null);

/** As `atelier alerts --json` and the API show it. */
export function alarmDocument(report: AlarmReport) {
  return {
    alarm: report.alarm,
    state: report.state,
    severity: report.severity,
    since: report.sinceMs === null ? null : new Date(report.sinceMs).toISOString(),
    provider: report.provider,
    model: report.model,
    facts: report.facts,
    runbook: report.runbook,
    message: report.message,
  };
}
