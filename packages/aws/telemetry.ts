/**
 * @module What a function says about itself: JSON lines with the ids of what it works on, and metrics that CloudWatch reads out of
 * such lines (EMF). Never a prompt: callers give names, numbers and the sentences of errors.
 */
import {
  METRICS,
  type Measurement,
  type MetricDimension,
  type MetricDimensions,
} from "@atelier/core/metrics";
import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import { readSettings } from "./config.ts";

export type Facts = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

export interface Telemetry {
  /** Begins a call: the facts stand on each of its lines. */
  begin(facts: Facts): void;
  /** More about what the call works on, once it is known. */
  add(facts: Facts): void;
  info(message: string, facts?: Facts): void;
  warn(message: string, facts?: Facts): void;
  error(message: string, facts?: Facts): void;
  /** Notes values of metrics; those of the call are written at its end. */
  measure(...measurements: readonly Measurement[]): void;
  /** Writes what was measured. */
  end(): void;
}

const UNITS = {
  Count: MetricUnit.Count,
  Seconds: MetricUnit.Seconds,
  Percent: MetricUnit.Percent,
  None: MetricUnit.NoUnit,
} as const;

/**
 * Metrics stand in the namespace `ATELIER_METRICS_NAMESPACE`, by the dimensions of the table in core and `service`.
 *
 * @param service the function's short name, such as `record`
 */
export function createTelemetry(service: string): Telemetry {
  const logger = new Logger({ serviceName: service });
  const { ATELIER_METRICS_NAMESPACE: namespace } = readSettings(["ATELIER_METRICS_NAMESPACE"]);
  let measured: Measurement[] = [];
  return {
    begin(facts) {
      logger.resetKeys();
      logger.appendKeys(facts);
    },
    add: (facts) => logger.appendKeys(facts),
    info: (message, facts = {}) => logger.info(message, facts),
    warn: (message, facts = {}) => logger.warn(message, facts),
    error: (message, facts = {}) => logger.error(message, facts),
    measure: (...measurements) => {
      measured.push(...measurements);
    },
    end() {
      for (const group of grouped(measured)) writeGroup(group, namespace);
      measured = [];
    },
  };
}

/** Values that stand under the same names: one line of the log. */
interface Group {
  readonly service: string;
  readonly dimensions: Record<string, string>;
  readonly measurements: Measurement[];
}

function grouped(measurements: readonly Measurement[]): Group[] {
  const groups = new Map<string, Group>();
  for (const measurement of measurements) {
    const { service, by } = METRICS[measurement.name];
    for (const set of by) {
      const dimensions = namesIn(set, measurement.dimensions ?? {});
      // A value without a dimension is not kept by it.
      if (dimensions === null) continue;
      const key = JSON.stringify([service, dimensions]);
      const group = groups.get(key) ?? { service, dimensions, measurements: [] };
      group.measurements.push(measurement);
      groups.set(key, group);
    }
  }
  return [...groups.values()];
}

function namesIn(
  set: readonly MetricDimension[],
  dimensions: MetricDimensions,
): Record<string, string> | null {
  const names: Record<string, string> = {};
  for (const dimension of set) {
    const name = dimensions[dimension];
    if (name === undefined) return null;
    names[dimension] = name;
  }
  return names;
}

function writeGroup({ service, dimensions, measurements }: Group, namespace: string): void {
  const metrics = new Metrics({ namespace, serviceName: service });
  metrics.addDimensions(dimensions);
  for (const { name, value } of measurements) metrics.addMetric(name, UNITS[METRICS[name].unit], value);
  metrics.publishStoredMetrics();
}
