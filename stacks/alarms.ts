/// <reference path="../.sst/platform/config.d.ts" />
import type { MetricName } from "@atelier/core/metrics";
import { ENTRY_NAMES } from "./access.ts";
import type { Lambdas } from "./functions.ts";
import type { Settings } from "./settings.ts";
import { metricsNamespace, prefix } from "./stage.ts";

interface Watched {
  readonly settings: Settings;
  readonly machine: aws.sfn.StateMachine;
  readonly lambdas: Lambdas;
  readonly deadLetters: aws.sqs.Queue;
}

type AlarmArgs = Omit<aws.cloudwatch.MetricAlarmArgs, "name" | "alarmActions" | "okActions">;

/** Everything that a person must hear of; what the product mends by itself is none of it. */
export function alarms({ settings, machine, lambdas, deadLetters }: Watched) {
  // Not encrypted: CloudWatch may not use AWS's own key, and an alarm names nothing but the alarm.
  const topic = new aws.sns.Topic("Alarms", { name: `${prefix}-alarms` });
  if (settings.alertEmail !== null) {
    new aws.sns.TopicSubscription("AlarmsByMail", {
      topic: topic.arn,
      protocol: "email",
      endpoint: settings.alertEmail,
    });
  }
  const alarm = (title: string, name: string, args: AlarmArgs) =>
    new aws.cloudwatch.MetricAlarm(title, {
      name: `${prefix}-${name}`,
      alarmActions: [topic.arn],
      okActions: [topic.arn],
      treatMissingData: "notBreaching",
      ...args,
    });
  const anyIn = (minutes: number) => ({
    statistic: "Sum",
    period: minutes * 60,
    evaluationPeriods: 1,
    threshold: 0,
    comparisonOperator: "GreaterThanThreshold",
  });
  const ofMachine = { namespace: "AWS/States", dimensions: { StateMachineArn: machine.arn } };
  const ofFunction = (name: keyof Lambdas) => ({
    namespace: "AWS/Lambda",
    dimensions: { FunctionName: lambdas[name].name },
  });

  /** What a function counts of itself. */
  const counted = (name: keyof Lambdas, metricName: MetricName) => ({
    namespace: metricsNamespace,
    metricName,
    dimensions: { service: name },
  });

  alarm("ExecutionsFailedAlarm", "executions-failed", {
    alarmDescription:
      "An execution failed outside of its images: plan could not begin. See the execution's history.",
    ...ofMachine,
    metricName: "ExecutionsFailed",
    ...anyIn(5),
  });
  alarm("ExecutionsTimedOutAlarm", "executions-timed-out", {
    alarmDescription: "An execution ran out of its time. The reconciler starts what is left of it again.",
    ...ofMachine,
    metricName: "ExecutionsTimedOut",
    ...anyIn(5),
  });
  alarm("ExecutionsAbortedAlarm", "executions-aborted", {
    alarmDescription: "Somebody stopped an execution. The reconciler starts what is left of it again.",
    ...ofMachine,
    metricName: "ExecutionsAborted",
    ...anyIn(5),
  });
  // No execution fails for an image: the Map leads each of its errors to abandon.
  alarm("ImagesFailedAlarm", "images-failed", {
    alarmDescription: "Images came to their end without a picture. Their records and the audit say why.",
    evaluationPeriods: 1,
    threshold: 0,
    comparisonOperator: "GreaterThanThreshold",
    metricQueries: [
      { id: "failed", expression: "SUM(METRICS())", label: "ImagesFailed", returnData: true },
      // Abandon ends them; the reconciler tells of those whose teller was killed.
      ...(["abandon", "reconcile"] as const).map((name) => ({
        id: name,
        metric: { ...counted(name, "ImagesFailed"), stat: "Sum", period: 300 },
      })),
    ],
  });
  alarm("ProvidersUnreachableAlarm", "providers-unreachable", {
    alarmDescription: "A provider has not answered the reconciler for a quarter of an hour.",
    ...counted("reconcile", "ProvidersUnreachable"),
    ...anyIn(5),
    statistic: "Maximum",
    evaluationPeriods: 3,
  });
  alarm("ProvidersClosedAlarm", "providers-closed", {
    alarmDescription:
      "For a quarter of an hour nothing has been bought from a provider: it fails, refuses our account, or its quota is used up.",
    ...counted("reconcile", "ProvidersClosed"),
    ...anyIn(5),
    statistic: "Maximum",
    evaluationPeriods: 3,
  });
  alarm("ClassifierFailedAlarm", "classifier-failed", {
    alarmDescription: "Rekognition judged no picture: what cannot be judged waits for a person.",
    ...counted("process", "ClassifierFailed"),
    ...anyIn(5),
  });
  alarm("DeadLettersAlarm", "dead-letters", {
    alarmDescription: "A firing of the calendar could not be delivered. The message in the queue says why.",
    namespace: "AWS/SQS",
    dimensions: { QueueName: deadLetters.name },
    metricName: "ApproximateNumberOfMessagesVisible",
    ...anyIn(5),
    statistic: "Maximum",
  });
  alarm("ReconcilerErrorsAlarm", "reconciler-errors", {
    alarmDescription: "The reconciler failed twice within twenty minutes: lost answers and open holds wait.",
    ...ofFunction("reconcile"),
    metricName: "Errors",
    ...anyIn(5),
    // One that always times out, one at a time, fails once in five to six minutes, and Lambda dates an error by the
    // beginning of its call: the newest period is still empty when it is looked at.
    evaluationPeriods: 4,
    datapointsToAlarm: 2,
  });
  alarm("ReconcilerSilentAlarm", "reconciler-silent", {
    alarmDescription: "The reconciler has not run for a quarter of an hour.",
    ...ofFunction("reconcile"),
    metricName: "Invocations",
    statistic: "Sum",
    period: 900,
    evaluationPeriods: 1,
    threshold: 1,
    comparisonOperator: "LessThanThreshold",
    treatMissingData: "breaching",
  });
  alarm("AbandonErrorsAlarm", "abandon-errors", {
    alarmDescription: "The last resort of a failed image failed itself: the image stays open.",
    ...ofFunction("abandon"),
    metricName: "Errors",
    ...anyIn(5),
  });
  alarm("WebhookErrorsAlarm", "webhook-errors", {
    alarmDescription: "Provider notifications fail; the reconciler learns the outcomes later instead.",
    ...ofFunction("webhook"),
    metricName: "Errors",
    ...anyIn(5),
  });
  alarm("ThrottlesAlarm", "throttles", {
    alarmDescription:
      "Lambda refused calls of a function: the account's or the function's concurrency is used up.",
    evaluationPeriods: 1,
    threshold: 0,
    comparisonOperator: "GreaterThanThreshold",
    metricQueries: [
      { id: "throttles", expression: "SUM(METRICS())", label: "Throttles", returnData: true },
      // A reconciler that is still busy refuses its next minute by design.
      ...ENTRY_NAMES.filter((name) => name !== "reconcile").map((name) => ({
        id: name,
        metric: { ...ofFunction(name), metricName: "Throttles", stat: "Sum", period: 300 },
      })),
    ],
  });
}
