/**
 * @module What a function says about itself: JSON lines with the ids of what it works on, and counts that CloudWatch reads
 * out of such lines (EMF). Never a prompt: callers give names, numbers and the sentences of errors.
 */
import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import { readSettings } from "./config.ts";

export type Facts = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

export interface Telemetry {
  /** Begins a call: the facts stand on each of its lines. */
  begin(facts: Facts): void;
  info(message: string, facts?: Facts): void;
  warn(message: string, facts?: Facts): void;
  error(message: string, facts?: Facts): void;
  /** Adds to a count of this call. */
  count(name: MetricName, value: number): void;
  /** Writes the counts of the call. */
  end(): void;
}

/** Each costs by the month and function: what people look at or alarms watch, and nothing that Lambda counts itself. */
export type MetricName =
  | "ImagesCompleted"
  | "ImagesQuarantined"
  | "ImagesRejected"
  | "ImagesFailed"
  | "SpentMicros"
  | "AttemptsLearned"
  | "AttemptsGivenUp"
  | "AttemptsOpen"
  | "PartsRestarted"
  | "ProvidersUnreachable"
  | "ProvidersClosed"
  | "ClassifierFailed";

/**
 * Counts stand in the namespace `ATELIER_METRICS_NAMESPACE`, under one dimension: `service`. Alarms name both.
 *
 * @param service the function's short name, such as `record`
 */
export function createTelemetry(service: string): Telemetry {
  const logger = new Logger({ serviceName: service });
  const { ATELIER_METRICS_NAMESPACE: namespace } = readSettings(["ATELIER_METRICS_NAMESPACE"]);
  const metrics = new Metrics({ namespace, serviceName: service });
  return {
    begin(facts) {
      logger.resetKeys();
      logger.appendKeys(facts);
    },
    info: (message, facts = {}) => logger.info(message, facts),
    warn: (message, facts = {}) => logger.warn(message, facts),
    error: (message, facts = {}) => logger.error(message, facts),
    count: (name, value) => metrics.addMetric(name, MetricUnit.Count, value),
    end() {
      if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
    },
  };
}
