/** @module Predictions as Replicate's API shows them. */
import { endOf, type PredictionRecord } from "./predictions.ts";
import type { InputSchema } from "./schemas.ts";

const NSFW_TEXT = "NSFW content detected. Try running it again, or try a different prompt.";
const FAILED_TEXT = "Prediction interrupted; please retry (code: PA)";

export interface ViewContext {
  readonly nowMs: number;
  /** `http://127.0.0.1:8080` */
  readonly origin: string;
  readonly schema: InputSchema | undefined;
  readonly tellsUsage: boolean;
  /** A fresh, signed address of an output. */
  outputUrl(record: PredictionRecord, index: number): string;
}

/** The prediction object at a time. Answers, listings and webhooks all carry this one. */
export function predictionView(record: PredictionRecord, context: ViewContext): Record<string, unknown> {
  const { nowMs, origin } = context;
  const end = endOf(record);
  const ended = end !== null && end.atMs <= nowMs ? end : null;
  const started = nowMs >= record.startsAtMs && ended?.status !== "aborted";
  const removed =
    ended?.status === "succeeded" &&
    record.faults.job?.kind === "job" &&
    record.faults.job.as === "data-removed";
  const path = `${origin}/v1/predictions/${record.id}`;
  return {
    id: record.id,
    model: record.model,
    version: record.version,
    input: removed ? {} : record.input,
    logs: logsOf(record, nowMs),
    output: ended?.status === "succeeded" && !removed ? outputOf(record, context) : null,
    data_removed: removed,
    error: ended?.status === "failed" ? errorOf(record) : null,
    source: "api",
    status: ended?.status ?? (started ? "processing" : "starting"),
    created_at: isoTime(record.createdAtMs),
    ...(started ? { started_at: isoTime(record.startsAtMs) } : {}),
    ...(ended === null ? {} : { completed_at: isoTime(ended.atMs) }),
    ...(record.deadlineAtMs === null ? {} : { deadline: isoTime(record.deadlineAtMs) }),
    ...(ended === null || !started || !context.tellsUsage
      ? {}
      : { metrics: { predict_time: (ended.atMs - record.startsAtMs) / 1000 } }),
    ...(record.webhook === null ? {} : { webhook: record.webhook }),
    ...(record.webhookEvents === null ? {} : { webhook_events_filter: record.webhookEvents }),
    urls: { get: path, cancel: `${path}/cancel` },
  };
}

/** How many pictures a succeeded prediction has. */
export function outputCount(record: PredictionRecord): number {
  const asked = record.input.num_outputs;
  const count = typeof asked === "number" ? asked : 1;
  return record.faults.job?.kind === "job" && record.faults.job.as === "fewer-outputs" ? count - 1 : count;
}

function outputOf(record: PredictionRecord, context: ViewContext): unknown {
  const addresses = Array.from({ length: outputCount(record) }, (_, index) =>
    context.outputUrl(record, index),
  );
  return context.schema?.output === "single" ? (addresses[0] ?? null) : addresses;
}

function errorOf(record: PredictionRecord): string {
  return record.faults.job?.kind === "job" && record.faults.job.as === "nsfw" ? NSFW_TEXT : FAILED_TEXT;
}

/** The progress bar that models print, as far as the time has come. */
function logsOf(record: PredictionRecord, nowMs: number): string {
  if (record.readyAtMs === null || nowMs < record.startsAtMs) return "";
  const whole = Math.max(1, record.readyAtMs - record.startsAtMs);
  const percent = Math.min(100, Math.floor(((nowMs - record.startsAtMs) / whole) * 100));
  return `Using seed: ${String(record.input.seed)}\n ${percent}%|${"#".repeat(Math.floor(percent / 10))}| ${percent}/100 [00:00<00:00, 1.00it/s]\n`;
}

function isoTime(atMs: number): string {
  return new Date(atMs).toISOString();
}
