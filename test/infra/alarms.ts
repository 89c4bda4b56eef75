/** @module What must hold of alarms: each watches what it is named for, in this stage, and tells somebody. */
import { describe, expect, test } from "vitest";
import { ENTRY_NAMES } from "../../stacks/access.ts";
import { all, type Graph, one } from "./harness/graph.ts";

const ANY = { comparisonOperator: "GreaterThanThreshold", threshold: 0 };
const ANY_IN_5_MINUTES = { ...ANY, statistic: "Sum", period: 300, evaluationPeriods: 1 };

export function describeAlarms(graph: Graph): void {
  const { stage } = graph;
  const alarms = all(graph, "cloudwatch/metricAlarm:MetricAlarm").map(({ inputs }) => inputs);
  const machine = {
    namespace: "AWS/States",
    dimensions: {
      StateMachineArn: `arn:aws:states:eu-west-1:123456789012:stateMachine:${one(graph, "sfn/stateMachine:StateMachine").inputs.name}`,
    },
  };
  const lambda = (name: string) => ({
    namespace: "AWS/Lambda",
    dimensions: {
      FunctionName: one(graph, "lambda/function:Function", `${title(name)}Function`).inputs.name,
    },
  });
  const counted = (name: string) => ({ namespace: `Atelier/${stage}`, dimensions: { service: name } });
  const summed = (metrics: Readonly<Record<string, object>>) => ({
    ...ANY,
    evaluationPeriods: 1,
    metricQueries: [
      { id: expect.any(String), expression: "SUM(METRICS())", label: expect.any(String), returnData: true },
      ...Object.entries(metrics).map(([id, metric]) => ({
        id,
        metric: { ...metric, stat: "Sum", period: 300 },
      })),
    ],
  });
  const gauge = (metricName: string, more: object) => ({
    ...counted("reconcile"),
    metricName,
    ...ANY_IN_5_MINUTES,
    statistic: "Maximum",
    ...more,
  });
  const budget = (threshold: number) => ({
    threshold,
    comparisonOperator: "GreaterThanOrEqualToThreshold",
    evaluationPeriods: 1,
    metricQueries: [
      { id: expect.any(String), expression: "MAX(METRICS())", label: "BudgetShare", returnData: true },
      ...["day", "month"].map((scope) => ({
        id: scope,
        metric: {
          namespace: `Atelier/${stage}`,
          metricName: "BudgetShare",
          dimensions: { service: "reconcile", scope },
          stat: "Maximum",
          period: 300,
        },
      })),
    ],
  });
  // Every other one: CloudWatch takes ten metrics in one alarm.
  const throttlesOf = (half: number) =>
    summed(
      Object.fromEntries(
        ENTRY_NAMES.filter((name) => name !== "reconcile" && name !== "reprocess")
          .filter((_, index) => index % 2 === half)
          .map((name) => [name, { ...lambda(name), metricName: "Throttles" }]),
      ),
    );
  const watched: Readonly<Record<string, object>> = {
    "executions-failed": { ...machine, metricName: "ExecutionsFailed", ...ANY_IN_5_MINUTES },
    "executions-timed-out": { ...machine, metricName: "ExecutionsTimedOut", ...ANY_IN_5_MINUTES },
    "executions-aborted": { ...machine, metricName: "ExecutionsAborted", ...ANY_IN_5_MINUTES },
    "images-failed": { ...counted("images"), metricName: "ImagesFailed", ...ANY_IN_5_MINUTES },
    "nothing-produced": {
      ...counted("images"),
      metricName: "RequestsWithoutPictures",
      ...ANY_IN_5_MINUTES,
    },
    // The fourth in a row.
    "consecutive-failures": gauge("ConsecutiveFailures", { threshold: 3 }),
    "budget-80": budget(80),
    "budget-100": budget(100),
    "executions-stuck": gauge("PartsStuck", { threshold: 0 }),
    "held-too-long": gauge("HeldTooLong", { threshold: 0 }),
    "reconciler-behind": gauge("ReconcilerLagSeconds", { threshold: 900 }),
    "quota-80-replicate": {
      ...gauge("QuotaShare", { threshold: 80, comparisonOperator: "GreaterThanOrEqualToThreshold" }),
      dimensions: { service: "reconcile", provider: "replicate" },
    },
    "provider-slow-replicate": {
      thresholdMetricId: "usual",
      comparisonOperator: "GreaterThanUpperThreshold",
      evaluationPeriods: 3,
      datapointsToAlarm: 2,
      metricQueries: [
        { id: "usual", expression: "ANOMALY_DETECTION_BAND(measured, 4)", label: "usual", returnData: true },
        {
          id: "measured",
          returnData: true,
          metric: {
            namespace: `Atelier/${stage}`,
            metricName: "GenerationSeconds",
            dimensions: { service: "images", provider: "replicate" },
            stat: "Average",
            period: 900,
          },
        },
      ],
    },
    "providers-unreachable": {
      ...counted("reconcile"),
      metricName: "ProvidersUnreachable",
      ...ANY_IN_5_MINUTES,
      statistic: "Maximum",
      evaluationPeriods: 3,
    },
    "providers-closed": {
      ...counted("reconcile"),
      metricName: "ProvidersClosed",
      ...ANY_IN_5_MINUTES,
      statistic: "Maximum",
      evaluationPeriods: 3,
    },
    "classifier-failed": { ...counted("process"), metricName: "ClassifierFailed", ...ANY_IN_5_MINUTES },
    "dead-letters": {
      namespace: "AWS/SQS",
      dimensions: { QueueName: one(graph, "sqs/queue:Queue").name },
      metricName: "ApproximateNumberOfMessagesVisible",
      ...ANY_IN_5_MINUTES,
      statistic: "Maximum",
    },
    "reconciler-errors": {
      ...lambda("reconcile"),
      metricName: "Errors",
      ...ANY_IN_5_MINUTES,
      evaluationPeriods: 4,
      datapointsToAlarm: 2,
    },
    "reconciler-silent": {
      ...lambda("reconcile"),
      metricName: "Invocations",
      statistic: "Sum",
      period: 900,
      evaluationPeriods: 1,
      threshold: 1,
      comparisonOperator: "LessThanThreshold",
      // Silence is what it is about.
      treatMissingData: "breaching",
    },
    "abandon-errors": { ...lambda("abandon"), metricName: "Errors", ...ANY_IN_5_MINUTES },
    "webhook-errors": { ...lambda("webhook"), metricName: "Errors", ...ANY_IN_5_MINUTES },
    "upkeep-errors": { ...lambda("daily"), metricName: "Errors", ...ANY_IN_5_MINUTES },
    "reprocess-errors": {
      ...lambda("reprocess"),
      metricName: "Errors",
      ...ANY_IN_5_MINUTES,
      evaluationPeriods: 4,
      datapointsToAlarm: 2,
    },
    "api-errors": {
      namespace: "AWS/ApiGateway",
      metricName: "5xx",
      dimensions: { ApiId: "httpapiapi-id" },
      ...ANY_IN_5_MINUTES,
      threshold: 5,
      comparisonOperator: "GreaterThanOrEqualToThreshold",
    },
    throttles: throttlesOf(0),
    "throttles-2": throttlesOf(1),
  };

  describe("alarms", () => {
    test("are for what a person must hear of", () => {
      const names = Object.keys(watched).map((name) => `atelier-${stage}-${name}`);
      expect(alarms.map(({ name }) => name).sort()).toEqual(names.sort());
    });

    test("none looks at more metrics than CloudWatch takes", () => {
      const metricsOf = ({ metricQueries }: (typeof alarms)[number]) =>
        Array.isArray(metricQueries) ? metricQueries.filter((query) => "metric" in query).length : 1;
      expect(Math.max(...alarms.map(metricsOf))).toBeLessThanOrEqual(10);
    });

    test.each(Object.keys(watched))("%s watches what it is named for, and tells of it", (name) => {
      const topic = `arn:aws:sns:eu-west-1:123456789012:atelier-${stage}-alarms`;
      const { alarmDescription, actionsEnabled, ...rest } =
        alarms.find((alarm) => alarm.name === `atelier-${stage}-${name}`) ?? {};
      expect(rest).toEqual({
        name: `atelier-${stage}-${name}`,
        alarmActions: [topic],
        okActions: [topic],
        treatMissingData: "notBreaching",
        ...watched[name],
      });
      expect(actionsEnabled ?? true).toBe(true);
      const id = name.replace(/-(replicate|2)$/, "");
      expect(alarmDescription).toMatch(new RegExp(`\\. See docs/operations\\.md#${id}\\.$`));
    });

    test("reconciler-errors rings for a reconciler that always takes all of its time", () => {
      const { period, evaluationPeriods, datapointsToAlarm } =
        alarms.find(({ name }) => name.endsWith("reconciler-errors")) ?? {};
      const { timeout } = one(graph, "lambda/function:Function", "ReconcileFunction").inputs;
      // One at a time, begun by a minute's schedule; an error is dated by its call's beginning and known at its end.
      const visibleSeconds = evaluationPeriods * period - timeout;
      expect(Math.floor(visibleSeconds / (timeout + 60))).toBeGreaterThanOrEqual(datapointsToAlarm);
      // Two errors of one period are one point.
      expect(timeout).toBeGreaterThanOrEqual(period);
    });

    test("no function that is called again while it may still be busy, one at a time, rings for being called", () => {
      const throttled = alarms.flatMap(({ metricQueries }) =>
        (metricQueries ?? []).flatMap(
          ({ metric }: { metric?: { metricName: string; dimensions: object } }) =>
            metric?.metricName === "Throttles" ? [Object.values(metric.dimensions)[0]] : [],
        ),
      );
      expect(throttled.length).toBeGreaterThan(0);
      for (const { inputs } of all(graph, "scheduler/schedule:Schedule")) {
        const every = inputs.scheduleExpression === "rate(1 minute)";
        if (every) expect(throttled).not.toContain(inputs.target.arn.split(":").at(-1));
      }
    });

    test("reach the operator, where there is one", () => {
      const mails = all(graph, "sns/topicSubscription:TopicSubscription").map(({ inputs }) => inputs);
      const topic = `arn:aws:sns:eu-west-1:123456789012:atelier-${stage}-alarms`;
      const wanted = { topic, protocol: "email", endpoint: "operator@example.com" };
      const chat = {
        topic,
        protocol: "lambda",
        endpoint: expect.stringContaining(`function:atelier-${stage}-notify`),
      };
      expect(mails).toEqual(stage === "production" ? [chat, wanted] : [chat]);
      expect(one(graph, "lambda/permission:Permission", "AlarmsMayNotify").inputs).toMatchObject({
        principal: "sns.amazonaws.com",
        sourceArn: topic,
      });
    });
  });
}

function title(name: string): string {
  return name.slice(0, 1).toUpperCase() + name.slice(1);
}
