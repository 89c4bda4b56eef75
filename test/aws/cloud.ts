/**
 * @module A cloud on loopback: dynalite, a bucket, KMS, Rekognition, the sandbox as Replicate, Stability AI, a door that speaks Step Functions in front of the
 * local state machine, and one that speaks HTTP API in front of the webhook function. The functions are the real ones, with
 * the environment and the events that AWS gives them.
 */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAttempts } from "@atelier/aws/dynamo/attempts";
import { createAudit } from "@atelier/aws/dynamo/audit";
import { createDynamo } from "@atelier/aws/dynamo/client";
import { createExecutions } from "@atelier/aws/dynamo/executions";
import { createImages } from "@atelier/aws/dynamo/images";
import { createLedgerStore } from "@atelier/aws/dynamo/ledger";
import { createRequests } from "@atelier/aws/dynamo/requests";
import { createS3Blobs } from "@atelier/aws/s3-blobs";
import type { PlanInput } from "@atelier/core/ports";
import { definition, STEP_NAMES, type StepName } from "@atelier/core/workflow/definition";
import type { HttpAnswer } from "@atelier/functions/http";
import type { LambdaContext } from "@atelier/functions/runtime";
import { LOCAL_FUNCTIONS } from "@atelier/local/handlers";
import { createStateMachine } from "@atelier/local/state-machine";
import { type Sandbox, startSandbox } from "@atelier/providers/sandbox/start";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { compileCatalogue } from "../../scripts/templates.ts";
import { createActiveTable } from "../builders/active-table.ts";
import { startConditionalBucket } from "../simulators/conditional-bucket.ts";
import { startTestEventBus } from "../simulators/event-bus.ts";
import { startTestIssuer, TEST_AUDIENCE } from "../simulators/issuer.ts";
import { startTestKms, TEST_DATA_KEY, TEST_SIGNING_KEY } from "../simulators/kms.ts";
import { startTestRekognition } from "../simulators/rekognition.ts";
import { TEST_TOKEN, TEST_WEBHOOK_SECRET } from "../simulators/replicate.ts";
import { startTestStability } from "../simulators/stability.ts";
import { tinyPng } from "../simulators/tiny-png.ts";

const STABILITY_KEY = "sk-for-these-tests";
const TABLE = "atelier-test";
const BUCKET = "atelier-test-content";
const BACKUP_BUCKET = "atelier-test-backup";
const MACHINE_ARN = "arn:aws:states:eu-west-3:123456789012:stateMachine:atelier-test-images";
const dynalite: (options: { createTableMs: number }) => Server = createRequire(import.meta.url)("dynalite");

export type Entry =
  | StepName
  | "reconcile"
  | "webhook"
  | "start"
  | "reprocess"
  | "api"
  | "claims"
  | "attest"
  | "daily";
/** Whatever was asked for: what is developed from a large picture is a matter of `packages/imaging`, and most of a journey's work. */
const smallPng = (width: number, height: number, seed: number) =>
  tinyPng(Math.min(width, 256), Math.min(height, 256), seed);

type Handler = (event: unknown, context: LambdaContext) => Promise<unknown>;

export type Cloud = Awaited<ReturnType<typeof openCloud>>;

/**
 * Sets the environment of this process, once: a test file has one cloud.
 *
 * @param settings of the deployment, in place of the usual ones
 */
export async function openCloud(settings: Readonly<Record<string, string>> = {}) {
  const closers: (() => Promise<unknown>)[] = [];
  const catalogue = await compileCatalogue();
  const table = dynalite({ createTableMs: 0 });
  const tableServer = await listening(table, closers);
  const bucket = await startConditionalBucket();
  closers.push(bucket.close);
  bucket.create(BUCKET);
  bucket.create(BACKUP_BUCKET);
  const folder = await mkdtemp(join(tmpdir(), "cloud-"));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  const sandbox: Sandbox = await startSandbox({
    folder,
    port: 0,
    clock: () => Date.now(),
    models: catalogue.models,
    draw: async ({ width, height, seed }) => smallPng(width, height, seed),
    settings: {
      delayMs: 40,
      token: TEST_TOKEN,
      webhookSecret: TEST_WEBHOOK_SECRET,
      outputKey: "an output key for tests",
    },
    onError: () => undefined,
  });
  closers.push(sandbox.close);
  const stability = await startTestStability({
    clock: () => Date.now(),
    apiKey: STABILITY_KEY,
    draw: smallPng,
  });
  const kms = await startTestKms();
  const rekognition = await startTestRekognition();
  const bus = await startTestEventBus();
  const issuer = await startTestIssuer(() => Date.now());
  closers.push(stability.close, kms.close, rekognition.close, bus.close, issuer.close);
  const gateway = await listening(createServer(answerAsGateway), closers);
  const stepFunctions = await listening(createServer(answerAsStepFunctions), closers);

  Object.assign(process.env, {
    AWS_REGION: "eu-west-3",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_ENDPOINT_URL_DYNAMODB: tableServer,
    AWS_ENDPOINT_URL_S3: bucket.endpoint,
    AWS_ENDPOINT_URL_SFN: stepFunctions,
    AWS_ENDPOINT_URL_KMS: kms.origin,
    AWS_ENDPOINT_URL_EVENTBRIDGE: bus.origin,
    AWS_ENDPOINT_URL_REKOGNITION: rekognition.origin,
    AWS_LAMBDA_FUNCTION_NAME: "atelier-test",
    ATELIER_TABLE: TABLE,
    ATELIER_BUCKET: BUCKET,
    ATELIER_EVENT_BUS: "atelier-test",
    ATELIER_STATE_MACHINE_ARN: MACHINE_ARN,
    ATELIER_WEBHOOK_URL: gateway,
    ATELIER_BACKUP_BUCKET: BACKUP_BUCKET,
    ATELIER_API_URL: "https://api.example.com",
    ATELIER_OIDC_ISSUER: issuer.origin,
    ATELIER_OIDC_AUDIENCE: `another-client, ${TEST_AUDIENCE}`,
    ATELIER_ALLOWED_ORIGINS: "https://console.example.com",
    ATELIER_PROMPT_KEY_ARN: TEST_DATA_KEY,
    ATELIER_PROVENANCE_KEY: TEST_SIGNING_KEY,
    ATELIER_PROVIDERS: "replicate",
    ATELIER_PROVIDER: "replicate",
    ATELIER_TIMEZONE: "Europe/Paris",
    ATELIER_BUDGET_USD: "2",
    ATELIER_BUDGET_MONTH_USD: "20",
    ATELIER_TERMS: "replicate=nudity",
    REPLICATE_BASE_URL: sandbox.apiUrl,
    STABILITY_BASE_URL: stability.origin,
    SST_RESOURCE_App: JSON.stringify({ name: "atelier", stage: "test" }),
    SST_RESOURCE_ReplicateApiToken: JSON.stringify({ value: TEST_TOKEN }),
    SST_RESOURCE_ReplicateWebhookSecret: JSON.stringify({ value: TEST_WEBHOOK_SECRET }),
    SST_RESOURCE_StabilityApiKey: JSON.stringify({ value: STABILITY_KEY }),
    SST_RESOURCE_AtelierKey: JSON.stringify({ value: "0123456789abcdef0123456789abcdef" }),
    ...settings,
  });
  const client = new DynamoDBClient({ maxAttempts: 1 });
  const s3 = new S3Client({});
  closers.push(async () => {
    client.destroy();
    s3.destroy();
  });
  await createActiveTable(client, TABLE);
  const dynamo = createDynamo({ client, tableName: TABLE });

  // Imported now: a function that read its environment while loading would find nothing in the cloud either.
  const entries: Readonly<Record<Entry, Handler>> = {
    plan: (await import("@atelier/functions/plan")).handler,
    validate: (await import("@atelier/functions/validate")).handler,
    generate: (await import("@atelier/functions/generate")).handler,
    collect: (await import("@atelier/functions/collect")).handler,
    process: (await import("@atelier/functions/process")).handler,
    record: (await import("@atelier/functions/record")).handler,
    abandon: (await import("@atelier/functions/abandon")).handler,
    reconcile: (await import("@atelier/functions/reconcile")).handler,
    webhook: (await import("@atelier/functions/webhook")).handler,
    start: (await import("@atelier/functions/start")).handler,
    reprocess: (await import("@atelier/functions/reprocess")).handler,
    api: (await import("@atelier/functions/api")).handler,
    claims: (await import("@atelier/functions/claims")).handler,
    attest: (await import("@atelier/functions/attest")).handler,
    daily: (await import("@atelier/functions/daily")).handler,
  };

  /** Calls a function as Lambda does: the event and the answer are JSON. */
  async function invoke(name: Entry, event: unknown): Promise<unknown> {
    const context = { awsRequestId: randomUUID(), getRemainingTimeInMillis: () => 300_000 };
    const answer = await entries[name](JSON.parse(JSON.stringify(event)), context);
    return JSON.parse(JSON.stringify(answer ?? null));
  }

  /** What Step Functions makes of a function's error: its name, and a cause in JSON. */
  const asTask = (name: StepName) => async (payload: unknown) => {
    try {
      return await invoke(name, payload);
    } catch (error) {
      const { name: errorType, message: errorMessage } = error as Error;
      const cause = JSON.stringify({ errorType, errorMessage, trace: [] });
      throw Object.assign(new Error(cause), { name: errorType });
    }
  };
  const machine = createStateMachine({
    definition: definition(LOCAL_FUNCTIONS),
    handlers: Object.fromEntries(STEP_NAMES.map((name) => [name, asTask(name)])),
    executions: createExecutions(dynamo),
    processId: "step-functions",
    isProven: true,
    isAlive: async () => true,
    clock: () => Date.now(),
    overrides: { waitMs: { Pace: 10 }, retryMs: Object.fromEntries(STATES.map((state) => [state, 1])) },
  });
  closers.push(machine.stop);

  /** Requests of the HTTP API become events of format 2.0, with the body in base64 as for any binary type. */
  async function answerAsGateway(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat(await incoming.toArray());
    const event = httpEvent(incoming.method ?? "", incoming.url ?? "", incoming.headers, body);
    const answer = await invoke("webhook", event).catch(() => ({ statusCode: 500 }));
    const { statusCode, headers, body: text } = answer as HttpAnswer;
    response.writeHead(statusCode, headers).end(text);
  }

  async function answerAsStepFunctions(incoming: IncomingMessage, response: ServerResponse) {
    const body = JSON.parse(Buffer.concat(await incoming.toArray()).toString());
    const action = String(incoming.headers["x-amz-target"]).replace("AWSStepFunctions.", "");
    const answer = await stepFunctionsAnswer(action, body);
    response.writeHead("__type" in answer ? 400 : 200, { "content-type": "application/x-amz-json-1.0" });
    response.end(JSON.stringify(answer));
  }

  async function stepFunctionsAnswer(action: string, body: Record<string, string>): Promise<object> {
    const { name = "", input = "", executionArn = "", taskToken = "", error = "", cause = "" } = body;
    switch (action) {
      case "StartExecution": {
        const said = await machine.start(name, JSON.parse(input) as PlanInput);
        return said === "exists"
          ? { __type: "ExecutionAlreadyExists" }
          : { executionArn: arnOf(name), startDate: 1 };
      }
      case "DescribeExecution": {
        const state = await machine.describe(executionArn.slice(executionArn.lastIndexOf(":") + 1));
        if (state === "missing") return { __type: "ExecutionDoesNotExist" };
        return { executionArn, status: state === "running" ? "RUNNING" : "SUCCEEDED" };
      }
      case "SendTaskSuccess":
      case "SendTaskFailure": {
        const ok = action === "SendTaskSuccess";
        const said = await machine.answer(taskToken, ok ? { ok } : { ok, error, cause });
        return said === "answered" ? {} : { __type: said === "gone" ? "TaskTimedOut" : "InvalidToken" };
      }
      default:
        return { __type: "UnknownOperationException" };
    }
  }

  return {
    catalogue,
    sandbox,
    stability,
    kms,
    rekognition,
    issuer,
    bus,
    machine,
    bucket,
    invoke,
    webhookUrl: gateway,
    images: createImages(dynamo),
    attempts: createAttempts(dynamo),
    requests: createRequests(dynamo),
    ledger: createLedgerStore(dynamo),
    audit: createAudit(dynamo),
    dynamo,
    blobs: createS3Blobs({ client: s3, bucketName: BUCKET }),
    copies: createS3Blobs({ client: s3, bucketName: BACKUP_BUCKET }),
    /** Cuts every connection to the table until the returned function is called. */
    cutTable(): () => void {
      const answering = table.listeners("request") as ((...call: unknown[]) => void)[];
      table.removeAllListeners("request");
      table.on("request", ({ socket }: IncomingMessage) => socket.destroy());
      return () => {
        table.removeAllListeners("request");
        for (const listener of answering) table.on("request", listener);
      };
    },
    async close() {
      for (const close of closers.reverse()) await close();
    },
  };
}

const STATES = ["Plan", "Validate", "Generate", "Collect", "Process", "Record", "Abandon"];

function arnOf(name: string): string {
  return `${MACHINE_ARN.replace(":stateMachine:", ":execution:")}:${name}`;
}

/** As API Gateway writes it; what the functions do not read is there all the same. */
export function httpEvent(
  method: string,
  path: string,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: Uint8Array,
) {
  return {
    version: "2.0",
    routeKey: "POST /webhooks/{provider}/{attemptId}/{signature}",
    rawPath: path,
    rawQueryString: "",
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), [value].flat().join(",")]),
    ),
    requestContext: {
      accountId: "123456789012",
      apiId: "abcdef",
      domainName: "abcdef.execute-api.eu-west-3.amazonaws.com",
      http: { method, path, protocol: "HTTP/1.1", sourceIp: "203.0.113.7", userAgent: "Replicate" },
      requestId: "Jwq1ihQ2CGYEJhw=",
      stage: "$default",
      timeEpoch: Date.now(),
    },
    body: Buffer.from(body).toString("base64"),
    isBase64Encoded: true,
  };
}

async function listening(server: Server, closers: (() => Promise<unknown>)[]): Promise<string> {
  // A client that has paused for a while must not meet a socket that is just being closed.
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(
    () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  );
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
