/**
 * @module What AWS refuses whatever the program means by it: names that are too long, values out of range, documents that are too
 * large. Rules over all resources of a type, so that the next one is held to them as well; quoted: the page of AWS's documentation.
 */
import { describe, expect, test } from "vitest";
import { all, type Graph, grantsOf, list, type Resource } from "./harness/graph.ts";

type Inputs = Resource["inputs"];

/** As the service's own reference has them: what it is named by, its characters, and the most of them. */
const NAMES: readonly (readonly [type: string, attribute: string, pattern: RegExp])[] = [
  ["lambda/function:Function", "name", /^[a-zA-Z0-9-_]{1,64}$/],
  ["iam/role:Role", "name", /^[\w+=,.@-]{1,64}$/],
  ["sfn/stateMachine:StateMachine", "name", /^[a-zA-Z0-9_-]{1,80}$/],
  ["scheduler/schedule:Schedule", "name", /^[0-9a-zA-Z-_.]{1,64}$/],
  ["scheduler/scheduleGroup:ScheduleGroup", "name", /^[0-9a-zA-Z-_.]{1,64}$/],
  ["cloudwatch/metricAlarm:MetricAlarm", "name", /^[\x21-\x7e]{1,255}$/],
  ["cloudwatch/dashboard:Dashboard", "dashboardName", /^[a-zA-Z0-9-_]{1,255}$/],
  ["cloudwatch/eventBus:EventBus", "name", /^[/.\-_A-Za-z0-9]{1,256}$/],
  ["cloudwatch/logGroup:LogGroup", "name", /^[.\-_/#A-Za-z0-9]{1,512}$/],
  ["dynamodb/table:Table", "name", /^[a-zA-Z0-9_.-]{3,255}$/],
  ["s3/bucket:Bucket", "bucket", /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/],
  ["sns/topic:Topic", "name", /^[a-zA-Z0-9_-]{1,256}$/],
  ["cognito/userPool:UserPool", "name", /^[\w\s+=,.@-]{1,128}$/],
  ["cognito/userPoolClient:UserPoolClient", "name", /^[\w\s+=,.@-]{1,128}$/],
  [
    "cognito/userPoolDomain:UserPoolDomain",
    "domain",
    /^(?!.*(aws|amazon|cognito))[a-z0-9][a-z0-9-]{0,61}[a-z0-9]$/,
  ],
  ["cognito/resourceServer:ResourceServer", "identifier", /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/],
  ["apigatewayv2/authorizer:Authorizer", "name", /^.{1,128}$/],
];

/** "IAM and AWS STS quotas": of all inline policies of a role, without white space. */
const POLICY_CHARACTERS_MAX = 10_240;
/** "Lambda quotas": names and values together, measured as the JSON that its refusal quotes. */
const ENVIRONMENT_BYTES_MAX = 4 * 1024;
/** stacks/settings.ts takes a certificate of 3,000 bytes; its name, and a line break in JSON for each 64 characters, come to it. */
const CERTIFICATE_BYTES = 3_000 + 100;
/** "Lambda quotas": "100 units of concurrency" stay unreserved, of the 1,000 that docs/operations.md has operators ask for. */
const RESERVED_MAX = 1_000 - 100;
/** "Quotas for HTTP APIs": the maximum integration timeout. */
const GATEWAY_SECONDS = 30;
/** "Customizing user pool workflows with Lambda triggers": Cognito waits so long. */
const TRIGGER_SECONDS = 5;
/** "Step Functions service quotas": a definition, and iterations of an inline Map at once. */
const DEFINITION_BYTES_MAX = 1024 * 1024;
const MAP_CONCURRENCY_MAX = 40;

export function describeLimits(graph: Graph): void {
  const inputsOf = (type: string): readonly Inputs[] => {
    const found = all(graph, type).map(({ inputs }) => inputs);
    // A rule over nothing would hold for ever.
    expect([type, found.length > 0]).toEqual([type, true]);
    return found;
  };

  describe("limits of AWS", () => {
    test.each(NAMES)("names: %s", (type, attribute, pattern) => {
      for (const { name, inputs } of all(graph, type)) {
        // SST and Pulumi name what has none, by rules of their own.
        if (inputs[attribute] !== undefined)
          expect([name, inputs[attribute]]).toEqual([name, expect.stringMatching(pattern)]);
      }
      const given = inputsOf(type).flatMap((inputs) => inputs[attribute] ?? []);
      expect(new Set(given).size).toBe(given.length);
    });

    test("policies fit into a role, and conditions are of their own operator", () => {
      for (const role of all(graph, "iam/role:Role")) {
        const written = JSON.stringify(grantsOf(role)).replace(/\s/g, "");
        expect([role.name, written.length < POLICY_CHARACTERS_MAX]).toEqual([role.name, true]);
        for (const { Condition = {} } of grantsOf(role)) {
          for (const operator of Object.keys(Condition)) {
            expect(operator).toMatch(/^(String(Equals|Like)(IfExists)?|Bool|Arn(Equals|Like))$/);
          }
        }
      }
    });

    test("functions: settings, time, memory, concurrency", () => {
      const functions = inputsOf("lambda/function:Function");
      for (const { name, environment, timeout, memorySize } of functions) {
        const { variables } = environment;
        const signs = "ATELIER_PROVENANCE_KEY" in variables ? CERTIFICATE_BYTES : 0;
        const bytes = Buffer.byteLength(JSON.stringify(variables)) + signs;
        expect([name, bytes <= ENVIRONMENT_BYTES_MAX]).toEqual([name, true]);
        for (const variable of Object.keys(variables)) {
          // "Defined runtime environment variables": reserved ones cannot be set.
          expect(variable).toMatch(/^(?!AWS_|LAMBDA_|_)[a-zA-Z][a-zA-Z0-9_]+$/);
        }
        expect(timeout).toBeLessThanOrEqual(900);
        expect(memorySize).toBeGreaterThanOrEqual(128);
        expect(memorySize).toBeLessThanOrEqual(10_240);
      }
      const reserved = functions.map(({ reservedConcurrentExecutions }) => reservedConcurrentExecutions ?? 0);
      expect(reserved.reduce((sum: number, each: number) => sum + each, 0)).toBeLessThanOrEqual(RESERVED_MAX);
      const timeoutOf = (arn: string) =>
        functions.find(({ name }) => arn.endsWith(`:function:${name}`))?.timeout;
      for (const { integrationUri } of inputsOf("apigatewayv2/integration:Integration")) {
        expect(timeoutOf(integrationUri)).toBeLessThan(GATEWAY_SECONDS);
      }
      for (const { lambdaConfig } of inputsOf("cognito/userPool:UserPool")) {
        expect(timeoutOf(lambdaConfig.preTokenGenerationConfig.lambdaArn)).toBeLessThanOrEqual(
          TRIGGER_SECONDS,
        );
      }
    });

    test("asynchronous calls: age and repetitions", () => {
      for (const inputs of inputsOf("lambda/functionEventInvokeConfig:FunctionEventInvokeConfig")) {
        const { maximumEventAgeInSeconds: age = 21_600, maximumRetryAttempts: attempts = 2 } = inputs;
        expect(age).toBeGreaterThanOrEqual(60);
        expect(age).toBeLessThanOrEqual(21_600);
        expect([0, 1, 2]).toContain(attempts);
      }
    });

    test("alarms: periods, identifiers, and what each kind must have and must not", () => {
      for (const alarm of inputsOf("cloudwatch/metricAlarm:MetricAlarm")) {
        const { name, metricQueries: queries = [], evaluationPeriods, datapointsToAlarm = 1 } = alarm;
        const metrics: Inputs[] = queries.flatMap((query: Inputs) => query.metric ?? []);
        const periods: number[] = [alarm, ...metrics].flatMap(({ period }) => period ?? []);
        expect([name, periods.length > 0]).toEqual([name, true]);
        for (const period of periods) {
          // PutMetricAlarm: "10, 20, 30, 60, or any multiple of 60"; at most a day in all, seven from an hour on.
          expect(period % 60).toBe(0);
          expect(period * evaluationPeriods).toBeLessThanOrEqual(period < 3_600 ? 86_400 : 604_800);
        }
        expect(datapointsToAlarm).toBeLessThanOrEqual(evaluationPeriods);
        // Either a metric with its statistic or queries; either a threshold or another query as it.
        expect([name, alarm.metricName === undefined]).toEqual([name, queries.length > 0]);
        expect([name, alarm.statistic === undefined]).toEqual([name, queries.length > 0]);
        expect([name, alarm.threshold === undefined]).toEqual([name, alarm.thresholdMetricId !== undefined]);
        const ids: string[] = queries.map(({ id }: Inputs) => id);
        expect(new Set(ids).size).toBe(ids.length);
        for (const id of ids) expect(id).toMatch(/^[a-z][a-zA-Z0-9_]{0,254}$/);
        const returned = queries.filter(({ returnData }: Inputs) => returnData).length;
        // "Creating an alarm based on anomaly detection": the band and its metric; otherwise one number.
        if (queries.length > 0)
          expect([name, returned]).toEqual([name, alarm.thresholdMetricId === undefined ? 1 : 2]);
        if (alarm.thresholdMetricId !== undefined) {
          expect(ids).toContain(alarm.thresholdMetricId);
          expect(alarm.comparisonOperator).toMatch(
            /^(Less|Greater)Than(Lower|Upper)(OrGreaterThanUpper)?Threshold$/,
          );
        }
        for (const { dimensions } of [alarm, ...metrics]) {
          expect(Object.keys(dimensions ?? {}).length).toBeLessThanOrEqual(30);
        }
        expect(alarm.alarmDescription.length).toBeLessThanOrEqual(1_024);
        expect(alarm.alarmActions.length).toBeLessThanOrEqual(5);
      }
    });

    test("the dashboard is a document that CloudWatch shows", () => {
      for (const { dashboardBody } of inputsOf("cloudwatch/dashboard:Dashboard")) {
        const { widgets } = JSON.parse(dashboardBody);
        // "CloudWatch quotas".
        expect(widgets.length).toBeLessThanOrEqual(500);
        for (const { type, x, width, properties } of widgets) {
          expect(x + width).toBeLessThanOrEqual(24);
          if (type === "alarm") {
            expect(properties.alarms.length).toBeLessThanOrEqual(100);
            continue;
          }
          expect(properties.region).toBe("eu-west-1");
          const [[{ expression }]] = properties.metrics;
          // "CloudWatch search expression syntax": double quotes around what has other characters than letters and digits.
          expect(expression).toMatch(
            /^SEARCH\('\{"[^'"{}]+"(,[a-z]+)+\} MetricName="[A-Za-z0-9]+" service="[a-z]+"', '(Sum|Average|Maximum)', 300\)$/,
          );
          expect(expression.length).toBeLessThanOrEqual(1_024);
        }
      }
    });

    test("schedules: expression and retries", () => {
      for (const { scheduleExpression, target } of inputsOf("scheduler/schedule:Schedule")) {
        expect(scheduleExpression).toMatch(
          /^(rate\(1 minute\)|cron\(\d{1,2} \d{1,2} \? \* [A-Z]{3}(,[A-Z]{3})* \*\))$/,
        );
        const { maximumEventAgeInSeconds: age, maximumRetryAttempts: attempts } = target.retryPolicy;
        // RetryPolicy of the EventBridge Scheduler API reference.
        expect(age).toBeGreaterThanOrEqual(60);
        expect(age).toBeLessThanOrEqual(86_400);
        expect(attempts).toBeLessThanOrEqual(185);
      }
    });

    test("the state machine: size, Map, and what retries and catches may say", () => {
      for (const { definition } of inputsOf("sfn/stateMachine:StateMachine")) {
        expect(Buffer.byteLength(definition)).toBeLessThanOrEqual(DEFINITION_BYTES_MAX);
        for (const { MaxConcurrency = 0, Retry = [], Catch = [] } of statesIn(JSON.parse(definition))) {
          expect(MaxConcurrency).toBeLessThanOrEqual(MAP_CONCURRENCY_MAX);
          for (const rules of [Retry, Catch]) {
            rules.forEach(({ ErrorEquals }: Inputs, index: number) => {
              expect(ErrorEquals.length).toBeGreaterThan(0);
              if (!ErrorEquals.includes("States.ALL")) return;
              // "States.ALL": "must appear alone ... and must appear in the last".
              expect(ErrorEquals).toEqual(["States.ALL"]);
              expect(index).toBe(rules.length - 1);
            });
          }
          for (const { IntervalSeconds = 1, MaxDelaySeconds, BackoffRate = 2 } of Retry) {
            if (MaxDelaySeconds !== undefined) expect(MaxDelaySeconds).toBeGreaterThan(IntervalSeconds);
            expect(BackoffRate).toBeGreaterThanOrEqual(1);
          }
        }
      }
    });

    test("the user pool: plan, scopes, and how long tokens are good", () => {
      for (const { lambdaConfig, userPoolTier } of inputsOf("cognito/userPool:UserPool")) {
        // "Pre token generation Lambda trigger": version 1 is all that the plan Lite has.
        if (lambdaConfig.preTokenGenerationConfig.lambdaVersion !== "V1_0") {
          expect(["ESSENTIALS", "PLUS"]).toContain(userPoolTier);
        }
      }
      const known = inputsOf("cognito/resourceServer:ResourceServer").flatMap(({ identifier, scopes }) => {
        expect(scopes.length).toBeLessThanOrEqual(100);
        return scopes.map(({ scopeName, scopeDescription }: Inputs) => {
          expect(scopeName).toMatch(/^[\x21\x23-\x2e\x30-\x5b\x5d-\x7e]{1,256}$/);
          expect(scopeDescription.length).toBeLessThanOrEqual(256);
          return `${identifier}/${scopeName}`;
        });
      });
      for (const client of inputsOf("cognito/userPoolClient:UserPoolClient")) {
        const {
          allowedOauthFlows: flows,
          allowedOauthScopes: scopes,
          callbackUrls = [],
          generateSecret,
        } = client;
        // "Quotas in Amazon Cognito": scopes for each app client.
        expect(scopes.length).toBeLessThanOrEqual(50);
        for (const scope of scopes) expect(["openid", ...known]).toContain(scope);
        // Client credentials need a secret and go with no other flow, and have no scopes but those of resource servers.
        if (list(flows).includes("client_credentials")) {
          expect([flows, generateSecret]).toEqual([["client_credentials"], true]);
          for (const scope of scopes) expect(known).toContain(scope);
        } else {
          expect(callbackUrls.length).toBeGreaterThan(0);
        }
        for (const url of callbackUrls) expect(url).toMatch(/^(https:|http:\/\/localhost[:/])/);
        const { accessToken, refreshToken } = client.tokenValidityUnits;
        expect([accessToken, refreshToken]).toEqual(["hours", "days"]);
        expect(client.accessTokenValidity).toBeLessThanOrEqual(24);
        expect(client.refreshTokenValidity * 24).toBeGreaterThan(client.accessTokenValidity);
      }
    });

    test("buckets: lifecycle rules, and rules of replication", () => {
      for (const { rules } of inputsOf("s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")) {
        expect(new Set(rules.map(({ id }: Inputs) => id)).size).toBe(rules.length);
        for (const { expiration, transitions = [] } of rules) {
          // "Elements to describe lifecycle actions": expired delete markers go with no number of days, nor with a date.
          if (expiration?.expiredObjectDeleteMarker) expect(Object.keys(expiration)).toHaveLength(1);
          for (const { days, storageClass } of transitions) {
            // "Constraints for lifecycle transitions".
            if (storageClass === "STANDARD_IA") expect(days).toBeGreaterThanOrEqual(30);
          }
        }
      }
      for (const { rules } of inputsOf("s3/bucketReplicationConfig:BucketReplicationConfig")) {
        expect(new Set(rules.map(({ priority }: Inputs) => priority)).size).toBe(rules.length);
        for (const { filter, deleteMarkerReplication, destination, sourceSelectionCriteria } of rules) {
          // With a filter, what happens to delete markers must be said; with SSE-KMS, the key of the copies.
          expect(filter === undefined).toBe(deleteMarkerReplication === undefined);
          expect(sourceSelectionCriteria?.sseKmsEncryptedObjects === undefined).toBe(
            destination.encryptionConfiguration === undefined,
          );
        }
      }
    });

    test("keys, logs and addresses", () => {
      for (const { deletionWindowInDays, customerMasterKeySpec, enableKeyRotation } of inputsOf(
        "kms/key:Key",
      )) {
        expect(deletionWindowInDays).toBeGreaterThanOrEqual(7);
        expect(deletionWindowInDays).toBeLessThanOrEqual(30);
        if (customerMasterKeySpec !== undefined) expect(enableKeyRotation ?? false).toBe(false);
      }
      for (const { retentionInDays } of inputsOf("cloudwatch/logGroup:LogGroup")) {
        expect([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365]).toContain(retentionInDays);
      }
      const routes = inputsOf("apigatewayv2/route:Route").map(
        ({ apiId, routeKey }) => `${apiId} ${routeKey}`,
      );
      expect(new Set(routes).size).toBe(routes.length);
      for (const { accessLogSettings } of inputsOf("apigatewayv2/stage:Stage")) {
        // UpdateStage: the format "must include at least $context.requestId".
        expect(accessLogSettings.format).toContain("$context.requestId");
        expect(Buffer.byteLength(accessLogSettings.format)).toBeLessThanOrEqual(3 * 1024);
      }
    });
  });
}

/** Every state, those of iterations too. */
function statesIn(machine: Inputs): Inputs[] {
  return Object.values<Inputs>(machine.States ?? {}).flatMap((state) => [
    state,
    ...(state.ItemProcessor ? statesIn(state.ItemProcessor) : []),
  ]);
}
