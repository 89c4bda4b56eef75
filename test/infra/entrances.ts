/** @module What must hold of everything that starts something. */
import { SCOPES } from "@atelier/core/caller";
import { loadInstalledCatalogue } from "@atelier/local/installed-catalogue";
import { describe, expect, test } from "vitest";
import { all, type Graph, one, statementsOf } from "./harness/graph.ts";

export function describeEntrances(graph: Graph): void {
  const isProduction = graph.stage === "production";
  const schedules = all(graph, "scheduler/schedule:Schedule").map(({ inputs }) => inputs);
  const ofCalendar = schedules.filter(({ name }) => !["reconcile", "reprocess", "daily"].includes(name));
  const functionArn = (name: string) =>
    `arn:aws:lambda:eu-west-1:123456789012:function:atelier-${graph.stage}-${name}`;

  describe("schedules", () => {
    test("are the generating entries of the active plan in templates/schedule.yaml", async () => {
      const { schedule } = await loadInstalledCatalogue();
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
      const made = ofCalendar.map(
        ({ name, scheduleExpression, scheduleExpressionTimezone, state, target }) => ({
          name,
          scheduleExpression,
          scheduleExpressionTimezone,
          state,
          input: JSON.parse(target.input),
        }),
      );
      const byName = (one: { name: string }, other: { name: string }) => (one.name < other.name ? -1 : 1);
      expect(made.sort(byName)).toEqual(wanted.sort(byName));
    });

    test.each(["reconcile", "reprocess"])("%s runs each minute, on every stage", (wanted) => {
      const schedule = schedules.find(({ name }) => name === wanted);
      expect(schedule).toMatchObject({ scheduleExpression: "rate(1 minute)" });
      expect(schedule?.state ?? "ENABLED").toBe("ENABLED");
      expect(schedule?.target.arn).toBe(functionArn(wanted));
    });

    test("the day's round runs at the calendar's report, local time, on every stage", () => {
      const daily = schedules.find(({ name }) => name === "daily");
      expect(daily).toMatchObject({
        scheduleExpression: "cron(30 7 ? * MON,TUE,WED,THU,FRI,SAT,SUN *)",
        scheduleExpressionTimezone: "Europe/Paris",
      });
      expect(daily?.state ?? "ENABLED").toBe("ENABLED");
      expect(daily?.target.arn).toBe(functionArn("daily"));
    });

    test("every firing of the calendar starts the state machine", () => {
      const { name } = one(graph, "sfn/stateMachine:StateMachine").inputs;
      for (const { name: entry, target } of ofCalendar) {
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

  const ofApi = (type: string, api: string) =>
    all(graph, `apigatewayv2/${type}`).filter(({ inputs }) => inputs.apiId === api);

  test("the address for providers takes POST at the webhook path, throttled, and is logged without its signature", () => {
    const [route, ...others] = ofApi("route:Route", "webhooksapi-id");
    expect(others).toEqual([]);
    expect(route?.inputs.routeKey).toBe("POST /webhooks/{provider}/{attemptId}/{signature}");
    const [integration] = ofApi("integration:Integration", "webhooksapi-id");
    expect(integration?.inputs.integrationUri).toContain(`function:atelier-${graph.stage}-webhook`);
    expect(integration?.inputs.payloadFormatVersion).toBe("2.0");
    const [stage] = ofApi("stage:Stage", "webhooksapi-id");
    expect(stage?.inputs.defaultRouteSettings).toEqual({ throttlingRateLimit: 20, throttlingBurstLimit: 40 });
    const generate = one(graph, "lambda/function:Function", "GenerateFunction").inputs;
    expect(generate.environment.variables.ATELIER_WEBHOOK_URL).toBe(
      "https://webhooksapi-id.execute-api.eu-west-1.amazonaws.com",
    );
  });

  test("the API's address asks for a token of the pool everywhere but for the contract, health, links and preflights", () => {
    const routes = ofApi("route:Route", "httpapiapi-id").map(({ inputs }) => inputs);
    const [authorizer] = ofApi("authorizer:Authorizer", "httpapiapi-id");
    expect(authorizer?.inputs).toMatchObject({
      authorizerType: "JWT",
      jwtConfiguration: {
        issuer: "https://cognito-idp.eu-west-1.amazonaws.com/users-id",
        audiences: ["peopleclient-id", "programclient-id"],
      },
    });
    const closed = routes.filter(({ authorizationType }) => authorizationType === "JWT");
    expect(closed).toMatchObject([{ routeKey: "ANY /{proxy+}", authorizerId: "apitokens-id" }]);
    const open = routes.filter(({ authorizationType }) => (authorizationType ?? "NONE") === "NONE");
    expect(open.map(({ routeKey }) => routeKey).sort()).toEqual([
      "GET /openapi.json",
      "GET /reference",
      "GET /v1/content/{link}",
      "GET /v1/health",
      "HEAD /openapi.json",
      "HEAD /reference",
      "HEAD /v1/content/{link}",
      "HEAD /v1/health",
      "OPTIONS /{proxy+}",
    ]);
    const [integration] = ofApi("integration:Integration", "httpapiapi-id");
    expect(integration?.inputs).toMatchObject({
      integrationUri: functionArn("api"),
      payloadFormatVersion: "2.0",
    });
    const [stage] = ofApi("stage:Stage", "httpapiapi-id");
    expect(stage?.inputs.defaultRouteSettings).toEqual({
      throttlingRateLimit: 100,
      throttlingBurstLimit: 200,
    });
  });

  test("no gateway writes down a path, a query, a header or a token, nor answers preflights for the function", () => {
    for (const { inputs } of all(graph, "apigatewayv2/stage:Stage")) {
      expect(inputs.accessLogSettings.format).toContain("$context.routeKey");
      expect(inputs.accessLogSettings.format).not.toMatch(
        /context\.path|queryString|header|authorizer|token/i,
      );
    }
    for (const { inputs } of all(graph, "apigatewayv2/api:Api")) {
      expect(inputs.corsConfiguration ?? {}).toEqual({});
    }
  });

  test("the user pool is for whom an operator makes a user, and asks for claims before each token", () => {
    const { inputs } = one(graph, "cognito/userPool:UserPool");
    expect(inputs).toMatchObject({
      adminCreateUserConfig: { allowAdminCreateUserOnly: true },
      mfaConfiguration: "OPTIONAL",
      userPoolTier: "ESSENTIALS",
      lambdaConfig: {
        preTokenGenerationConfig: { lambdaArn: functionArn("claims"), lambdaVersion: "V2_0" },
      },
    });
    const server = one(graph, "cognito/resourceServer:ResourceServer").inputs;
    expect(server.scopes.map(({ scopeName }: { scopeName: string }) => scopeName)).toEqual(SCOPES);
    const people = one(graph, "cognito/userPoolClient:UserPoolClient", "PeopleClient").inputs;
    expect(people).toMatchObject({ generateSecret: false, allowedOauthFlows: ["code"] });
    const program = one(graph, "cognito/userPoolClient:UserPoolClient", "ProgramClient").inputs;
    expect(program).toMatchObject({ generateSecret: true, allowedOauthFlows: ["client_credentials"] });
    expect(program.allowedOauthScopes).not.toContain("atelier/requests:all");
  });

  test("only calls of the minute and of start are never repeated by Lambda", () => {
    const configs = all(graph, "lambda/functionEventInvokeConfig:FunctionEventInvokeConfig");
    expect(configs.map(({ inputs }) => inputs)).toEqual([
      {
        functionName: `atelier-${graph.stage}-reconcile`,
        maximumRetryAttempts: 0,
        maximumEventAgeInSeconds: 60,
      },
      {
        functionName: `atelier-${graph.stage}-reprocess`,
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
    expect(reserved).toEqual(
      isProduction ? { reconcile: 1, webhook: 20, reprocess: 1, api: 50, daily: 1 } : {},
    );
  });
}
