/** @module What must hold of everything that starts something. */
import { join } from "node:path";
import { loadCatalogue } from "@atelier/local/templates";
import { describe, expect, test } from "vitest";
import { ROOT } from "./evaluation.ts";
import { all, type Graph, one, statementsOf } from "./harness/graph.ts";

export function describeEntrances(graph: Graph): void {
  const isProduction = graph.stage === "production";
  const schedules = all(graph, "scheduler/schedule:Schedule").map(({ inputs }) => inputs);

  describe("schedules", () => {
    test("are the generating entries of the active plan in templates/schedule.yaml", async () => {
      const { schedule } = await loadCatalogue(join(ROOT, "templates"));
      const entries = (schedule.plans[schedule.active] ?? []).filter(
        ({ action }) => action.kind === "generate",
      );
      expect(entries.length).toBeGreaterThan(0);
      const wanted = entries.map(({ name, at, days }) => ({
        name,
        scheduleExpression: `cron(${Number(at.slice(3))} ${Number(at.slice(0, 2))} ? * ${days.join(",").toUpperCase()} *)`,
        scheduleExpressionTimezone: schedule.timezone,
        state: isProduction ? "ENABLED" : "DISABLED",
        input: { entry: name, scheduledTime: "<aws.scheduler.scheduled-time>" },
      }));
      const made = schedules
        .filter(({ name }) => name !== "reconcile")
        .map(({ name, scheduleExpression, scheduleExpressionTimezone, state, target }) => ({
          name,
          scheduleExpression,
          scheduleExpressionTimezone,
          state,
          input: JSON.parse(target.input),
        }));
      const byName = (one: { name: string }, other: { name: string }) => (one.name < other.name ? -1 : 1);
      expect(made.sort(byName)).toEqual(wanted.sort(byName));
    });

    test("the reconciler runs each minute, on every stage", () => {
      const reconcile = schedules.find(({ name }) => name === "reconcile");
      expect(reconcile).toMatchObject({ scheduleExpression: "rate(1 minute)" });
      expect(reconcile?.state ?? "ENABLED").toBe("ENABLED");
      expect(reconcile?.target.arn).toBe(
        `arn:aws:lambda:eu-west-1:123456789012:function:atelier-${graph.stage}-reconcile`,
      );
    });

    test("every firing of the calendar starts the state machine", () => {
      const { name } = one(graph, "sfn/stateMachine:StateMachine").inputs;
      for (const { name: entry, target } of schedules.filter(({ name }) => name !== "reconcile")) {
        expect([entry, target.arn]).toEqual([
          entry,
          `arn:aws:states:eu-west-1:123456789012:stateMachine:${name}`,
        ]);
      }
    });

    test("fire as the scheduler's own role", () => {
      const role = one(graph, "iam/role:Role", "SchedulerRole");
      expect(JSON.stringify(statementsOf(role.inputs.assumeRolePolicy)[0]?.Principal)).toContain(
        "scheduler.amazonaws.com",
      );
      for (const { target } of schedules)
        expect(target.roleArn).toBe("arn:aws:iam::123456789012:role/SchedulerRole");
    });

    test("retry for a while, then leave a dead letter", () => {
      const queue = one(graph, "sqs/queue:Queue").name;
      for (const { target } of schedules) {
        expect(target.retryPolicy.maximumRetryAttempts).toBeGreaterThan(0);
        expect(target.retryPolicy.maximumEventAgeInSeconds).toBeGreaterThanOrEqual(60);
        expect(target.deadLetterConfig.arn).toBe(`arn:aws:sqs:eu-west-1:123456789012:${queue}`);
      }
    });
  });

  test("the one public address takes POST at the webhook path, throttled, and is logged without its signature", () => {
    const [route, ...others] = all(graph, "apigatewayv2/route:Route");
    expect(others).toEqual([]);
    expect(route?.inputs.routeKey).toBe("POST /webhooks/{provider}/{attemptId}/{signature}");
    const integration = one(graph, "apigatewayv2/integration:Integration").inputs;
    expect(integration.integrationUri).toContain(`function:atelier-${graph.stage}-webhook`);
    expect(integration.payloadFormatVersion).toBe("2.0");
    const { defaultRouteSettings, accessLogSettings } = one(graph, "apigatewayv2/stage:Stage").inputs;
    expect(defaultRouteSettings).toEqual({ throttlingRateLimit: 20, throttlingBurstLimit: 40 });
    expect(accessLogSettings.format).not.toContain("context.path");
    const api = one(graph, "apigatewayv2/api:Api").inputs;
    expect(api.corsConfiguration ?? {}).toEqual({});
    const generate = one(graph, "lambda/function:Function", "GenerateFunction").inputs;
    expect(generate.environment.variables.ATELIER_WEBHOOK_URL).toBe(
      "https://webhooksapi-id.execute-api.eu-west-1.amazonaws.com",
    );
  });

  test("only calls of the reconciler and of start are never repeated by Lambda", () => {
    const configs = all(graph, "lambda/functionEventInvokeConfig:FunctionEventInvokeConfig");
    expect(configs.map(({ inputs }) => inputs)).toEqual([
      {
        functionName: `atelier-${graph.stage}-reconcile`,
        maximumRetryAttempts: 0,
        maximumEventAgeInSeconds: 60,
      },
      { functionName: `atelier-${graph.stage}-start`, maximumRetryAttempts: 0 },
    ]);
  });

  test("limits protect the account's concurrency in production alone", () => {
    const reserved = Object.fromEntries(
      all(graph, "lambda/function:Function")
        .map(({ inputs }) => [inputs.name.split("-").at(-1), inputs.reservedConcurrentExecutions] as const)
        .filter(([, limit]) => limit !== undefined),
    );
    expect(reserved).toEqual(isProduction ? { reconcile: 1, webhook: 20 } : {});
  });
}
