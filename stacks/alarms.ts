/// <reference path="../.sst/platform/config.d.ts" />
import { ALARM_IDS, ALARMS, type Alarm, runbookOf, type Watch } from "@atelier/core/alarms";
import { METRICS, type MetricName } from "@atelier/core/metrics";
import { ENTRY_NAMES } from "./access.ts";
import type { Lambdas } from "./functions.ts";
import type { Settings } from "./settings.ts";
import { metricsNamespace, prefix } from "./stage.ts";

interface Watched {
  readonly settings: Settings;
  readonly machine: aws.sfn.StateMachine;
  readonly lambdas: Lambdas;
  readonly deadLetters: aws.sqs.Queue;
  readonly api: sst.aws.ApiGatewayV2;
}

type AlarmArgs = Omit<aws.cloudwatch.MetricAlarmArgs, "name" | "alarmActions" | "okActions">;
/** What CloudWatch knows a metric by. */
interface Metric {
  readonly namespace: string;
  readonly metricName: string;
  readonly dimensions: Record<string, $util.Input<string>>;
}

/** Every alarm of the table, and whom they tell. */
export function alarms(watched: Watched): aws.cloudwatch.MetricAlarm[] {
  const topic = alarmTopic(watched);
  const made = ALARM_IDS.flatMap((id) => {
    const { meaning, watch }: Alarm = ALARMS[id];
    return argumentsOf(watch, watched).map(
      ({ of, args }) =>
        new aws.cloudwatch.MetricAlarm(`${titleOf(id)}Alarm${titleOf(of)}`, {
          name: [prefix, id, of].filter((part) => part !== "").join("-"),
          alarmDescription: `${meaning} See ${runbookOf(id)}.`,
          alarmActions: [topic.arn],
          okActions: [topic.arn],
          treatMissingData: watch.rings === "without-data" ? "breaching" : "notBreaching",
          ...args,
        }),
    );
  });
  return made;
}

/** Mail and chat, as configured; nobody without. */
function alarmTopic({ settings, lambdas }: Watched): aws.sns.Topic {
  // Not encrypted: CloudWatch may not use AWS's own key, and an alarm names nothing but the alarm.
  const topic = new aws.sns.Topic("Alarms", { name: `${prefix}-alarms` });
  if (settings.alertEmail !== null) {
    new aws.sns.TopicSubscription("AlarmsByMail", {
      topic: topic.arn,
      protocol: "email",
      endpoint: settings.alertEmail,
    });
  }
  if (lambdas.notify) {
    new aws.lambda.Permission("AlarmsMayNotify", {
      action: "lambda:InvokeFunction",
      function: lambdas.notify.name,
      principal: "sns.amazonaws.com",
      sourceArn: topic.arn,
    });
    new aws.sns.TopicSubscription("AlarmsByChat", {
      topic: topic.arn,
      protocol: "lambda",
      endpoint: lambdas.notify.arn,
    });
  }
  return topic;
}

/** One alarm, or one for each provider. `of`: the provider, or empty. */
function argumentsOf(watch: Watch, watched: Watched): { readonly of: string; readonly args: AlarmArgs }[] {
  const { source } = watch;
  switch (source.kind) {
    case "own":
      return [
        source.scopes
          ? { of: "", args: together("MAX", source.metric, scoped(source.metric, source.scopes), watch) }
          : { of: "", args: single(ownMetric(source.metric), watch) },
      ];
    case "own-by-provider":
      return watched.settings.providers.map(({ name }) => {
        const metric = ownMetric(source.metric, { provider: name });
        const args = watch.is === "above-its-usual" ? unusual(metric, watch) : single(metric, watch);
        return { of: name, args };
      });
    case "function": {
      const { metric, of } = source;
      return [{ of: "", args: single(functionMetric(of, metric, watched), watch) }];
    }
    case "functions": {
      const { metric, except } = source;
      const others = ENTRY_NAMES.filter((name) => !except.includes(name) && watched.lambdas[name]);
      const metrics = others.map((name) => [name, functionMetric(name, metric, watched)] as const);
      return groupsOf(metrics, METRICS_MAX).map((group, index) => ({
        of: index === 0 ? "" : String(index + 1),
        args: together("SUM", metric, group, watch),
      }));
    }
    case "machine": {
      const dimensions = { StateMachineArn: watched.machine.arn };
      return [
        { of: "", args: single({ namespace: "AWS/States", metricName: source.metric, dimensions }, watch) },
      ];
    }
    case "dead-letters": {
      const dimensions = { QueueName: watched.deadLetters.name };
      const metricName = "ApproximateNumberOfMessagesVisible";
      return [{ of: "", args: single({ namespace: "AWS/SQS", metricName, dimensions }, watch) }];
    }
    case "api": {
      const dimensions = { ApiId: watched.api.nodes.api.id };
      const metric = { namespace: "AWS/ApiGateway", metricName: source.metric, dimensions };
      return [{ of: "", args: single(metric, watch) }];
    }
  }
}

function ownMetric(metricName: MetricName, dimensions: Record<string, string> = {}): Metric {
  const { service } = METRICS[metricName];
  return { namespace: metricsNamespace, metricName, dimensions: { service, ...dimensions } };
}

function scoped(metric: MetricName, scopes: readonly string[]) {
  return scopes.map((scope) => [scope, ownMetric(metric, { scope })] as const);
}

function functionMetric(name: string, metricName: string, { lambdas }: Watched): Metric {
  const lambda = lambdas[name as keyof Lambdas];
  if (!lambda) throw new Error(`There is no function ${name} to watch.`);
  return { namespace: "AWS/Lambda", metricName, dimensions: { FunctionName: lambda.name } };
}

const COMPARISONS = {
  ">": "GreaterThanThreshold",
  ">=": "GreaterThanOrEqualToThreshold",
  "<": "LessThanThreshold",
  "above-its-usual": "GreaterThanUpperThreshold",
} as const;

function periodsOf({ periods, datapoints, is }: Watch) {
  return {
    evaluationPeriods: periods,
    ...(datapoints !== undefined && { datapointsToAlarm: datapoints }),
    comparisonOperator: COMPARISONS[is],
  };
}

function single(metric: Metric, watch: Watch): AlarmArgs {
  const { statistic, periodMinutes, threshold } = watch;
  return { ...metric, statistic, period: periodMinutes * 60, threshold, ...periodsOf(watch) };
}

/** CloudWatch: "alarms based on metric math expressions can reference a maximum of 10 metrics", a hard limit. */
const METRICS_MAX = 10;

function groupsOf<T>(values: readonly T[], sizeMax: number): T[][] {
  const count = Math.ceil(values.length / sizeMax);
  return Array.from({ length: count }, (_, group) => values.filter((_, index) => index % count === group));
}

/** Several metrics as one number. @param metrics at most `METRICS_MAX` */
function together(
  operation: "SUM" | "MAX",
  label: string,
  metrics: readonly (readonly [id: string, metric: Metric])[],
  watch: Watch,
): AlarmArgs {
  const { statistic: stat, periodMinutes, threshold } = watch;
  return {
    ...periodsOf(watch),
    threshold,
    metricQueries: [
      { id: "together", expression: `${operation}(METRICS())`, label, returnData: true },
      ...metrics.map(([id, metric]) => ({ id, metric: { ...metric, stat, period: periodMinutes * 60 } })),
    ],
  };
}

/** Against what CloudWatch has learnt of the metric itself. */
function unusual(metric: Metric, watch: Watch): AlarmArgs {
  const { statistic: stat, periodMinutes, threshold } = watch;
  return {
    ...periodsOf(watch),
    thresholdMetricId: "usual",
    metricQueries: [
      {
        id: "usual",
        expression: `ANOMALY_DETECTION_BAND(measured, ${threshold})`,
        label: "usual",
        returnData: true,
      },
      { id: "measured", metric: { ...metric, stat, period: periodMinutes * 60 }, returnData: true },
    ],
  };
}

function titleOf(id: string): string {
  return id
    .split(/[^a-z0-9]/)
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join("");
}
