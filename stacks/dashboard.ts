/// <reference path="../.sst/platform/config.d.ts" />
import { METRIC_NAMES, METRICS, type MetricName } from "@atelier/core/metrics";
import { metricsNamespace, prefix } from "./stage.ts";

const COLUMNS = 24;
const WIDTH = 8;
const HEIGHT = 6;

/** What stands of each kind of unit: how many in all, or how much on the average. */
const STATISTICS = { Count: "Sum", Seconds: "Average", Percent: "Maximum", None: "Average" } as const;

/** Every alarm, and a graph for every metric of the table, by the dimensions that it is kept by. */
export function dashboard(alarms: readonly aws.cloudwatch.MetricAlarm[]) {
  const region = aws.getRegionOutput({}).region;
  const graphs = METRIC_NAMES.flatMap((name) => METRICS[name].by.map((by) => ({ name, by })));
  return new aws.cloudwatch.Dashboard("Dashboard", {
    dashboardName: prefix,
    dashboardBody: $resolve({ region, arns: $resolve(alarms.map(({ arn }) => arn)) }).apply(
      ({ region, arns }) =>
        JSON.stringify({
          widgets: [
            {
              type: "alarm",
              x: 0,
              y: 0,
              width: COLUMNS,
              height: HEIGHT,
              properties: { title: "Alarms", alarms: arns },
            },
            ...graphs.map(({ name, by }, index) => ({
              type: "metric",
              x: (index * WIDTH) % COLUMNS,
              y: HEIGHT * (1 + Math.floor((index * WIDTH) / COLUMNS)),
              width: WIDTH,
              height: HEIGHT,
              properties: {
                region,
                title: titleOf(name, by),
                metrics: [[{ expression: searched(name, by) }]],
              },
            })),
          ],
        }),
    ),
  });
}

function titleOf(name: MetricName, by: readonly string[]): string {
  return by.length === 0 ? name : `${name} by ${by.join(" and ")}`;
}

/** Finds what was measured: which models there are is not known here. */
function searched(name: MetricName, by: readonly string[]): string {
  const { unit, service } = METRICS[name];
  const schema = [`"${metricsNamespace}"`, "service", ...by].join(",");
  return `SEARCH('{${schema}} MetricName="${name}" service="${service}"', '${STATISTICS[unit]}', 300)`;
}
