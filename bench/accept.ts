/**
 * @module What accepting a request costs: processor time of `acceptRequest` over the AWS SDK, as a ratio to the bare SDK calls that it
 * needs, sent with the same bodies; how many writes and reads it makes; and what becomes of a request of 100,000 images afterwards
 * (`accept-expand.ts`).
 *
 * Method: DynamoDB and Step Functions are answered by another process on loopback. Blocks of accepted requests and of bare calls take
 * turns, so short that what else the machine does meets both alike; the first rounds warm up. What is counted is the
 * processor time of this process, so the parsing of the body is in it and the services are not.
 */
import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createAudit } from "@atelier/aws/dynamo/audit";
import { createCallers } from "@atelier/aws/dynamo/callers";
import { createDynamo } from "@atelier/aws/dynamo/client";
import { createLedgerStore } from "@atelier/aws/dynamo/ledger";
import { createPromptVault } from "@atelier/aws/dynamo/prompts";
import { createRequests } from "@atelier/aws/dynamo/requests";
import { createTextVault } from "@atelier/aws/prompt-encryption";
import { rawTextKeys } from "@atelier/aws/prompt-encryption-raw";
import { createStepFunctionsWorkflow } from "@atelier/aws/step-functions";
import { type AdmissionDeps, acceptRequest, type Who } from "@atelier/core/admission";
import { askingSchema } from "@atelier/core/asking";
import { installedRouting } from "@atelier/core/installed-routing";
import { MICROS_PER_USD } from "@atelier/core/money";
import type { TextVault } from "@atelier/core/ports";
import { REQUEST_IMAGES_MAX } from "@atelier/core/request";
import { localDateOf } from "@atelier/core/schedule";
import { loadInstalledCatalogue } from "@atelier/local/installed-catalogue";
import { DynamoDBClient, PutItemCommand, type PutItemCommandInput } from "@aws-sdk/client-dynamodb";
import { SFNClient, StartExecutionCommand, type StartExecutionCommandInput } from "@aws-sdk/client-sfn";
import { type ExpandBench, expandRequestOf } from "./accept-expand.ts";

const WARM_UP_ROUNDS = 40;
const ROUNDS = 60;
const CALLS = 10;
const MACHINE_ARN = "arn:aws:states:eu-west-3:123456789012:stateMachine:images";

const TEMPLATE_BODY = { category: "lingerie", count: 3, seed: 7, parameters: { width: 1024, height: 1024 } };
const BODIES = {
  template: TEMPLATE_BODY,
  large: { ...TEMPLATE_BODY, count: REQUEST_IMAGES_MAX },
  prompt: {
    prompt: `A still life in morning light: pears and a jug of water on a linen cloth, ${"with soft shadows ".repeat(10)}`,
    negative_prompt: "blurred",
    parameters: { width: 1024, height: 1024 },
  },
};

export interface AcceptBench extends ExpandBench {
  /** Of a request of a template to its two bare calls. Target 1.3. */
  readonly cpuRatio: number;
  /** The same for 100,000 images. Target 1.3. */
  readonly largeCpuRatio: number;
  /** Of a free prompt, which is judged, to its bare calls: those two, the put of its text, and the AWS Encryption SDK's for it. */
  readonly promptCpuRatio: number;
  /** Of a free prompt to the two calls alone. */
  readonly promptToTwoCallsRatio: number;
  readonly cpuMs: number;
  readonly bareCpuMs: number;
  readonly promptCpuMs: number;
  /** Items written and executions started for a request. Target 2. */
  readonly writes: number;
  readonly largeWrites: number;
  readonly promptWrites: number;
  /** Items read for a request. Target 0.05. */
  readonly reads: number;
}

/** @param options `--images N`: how many the large request is expanded to; 0: it is not */
export async function benchAccept(options: readonly string[] = []): Promise<AcceptBench | object> {
  const { values } = parseArgs({ args: [...options], options: { images: { type: "string" } } });
  const images = Number(values.images ?? REQUEST_IMAGES_MAX);
  const accepting = await acceptingFigures();
  return images === 0 ? accepting : { ...accepting, ...(await expandRequestOf(images)) };
}

async function acceptingFigures() {
  const server = fork(fileURLToPath(new URL("./accept-server.ts", import.meta.url)), [], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  try {
    const [port] = (await once(server, "message")) as [number];
    const side = await openSide(`http://127.0.0.1:${port}`);
    // The first to come would pay for what the others find compiled.
    for (const kind of ["template", "prompt"] as const) await ratioOf(kind, side, server);
    const template = await ratioOf("template", side, server);
    const large = await ratioOf("large", side, server);
    const prompt = await ratioOf("prompt", side, server);
    return {
      cpuRatio: template.ratio,
      largeCpuRatio: large.ratio,
      promptCpuRatio: prompt.ratio,
      promptToTwoCallsRatio: rounded(prompt.cpuMs / template.bareCpuMs),
      cpuMs: template.cpuMs,
      bareCpuMs: template.bareCpuMs,
      promptCpuMs: prompt.cpuMs,
      writes: template.writes,
      largeWrites: large.writes,
      promptWrites: prompt.writes,
      reads: template.reads,
    };
  } finally {
    server.disconnect();
    await once(server, "exit");
  }
}

type Side = Awaited<ReturnType<typeof openSide>>;
type Call = { readonly put: PutItemCommandInput } | { readonly start: StartExecutionCommandInput };

async function openSide(endpoint: string) {
  const clients = () => {
    const settings = {
      endpoint,
      region: "eu-west-3",
      credentials: { accessKeyId: "a", secretAccessKey: "b" },
    };
    return { dynamo: new DynamoDBClient(settings), sfn: new SFNClient(settings) };
  };
  const ours = clients();
  const bare = clients();
  /** What some work sends, in order: the bare calls send the same. */
  async function callsOf(work: () => Promise<void>): Promise<Call[]> {
    const sent: Call[] = [];
    const noting = { step: "initialize", name: "noting" } as const;
    ours.dynamo.middlewareStack.add(
      (next, context) => (call) => {
        if (context.commandName === "PutItemCommand") sent.push({ put: call.input as PutItemCommandInput });
        return next(call);
      },
      noting,
    );
    ours.sfn.middlewareStack.add(
      (next) => (call) => {
        sent.push({ start: call.input as StartExecutionCommandInput });
        return next(call);
      },
      noting,
    );
    await work();
    for (const client of [ours.dynamo, ours.sfn]) client.middlewareStack.remove(noting.name);
    return sent;
  }
  const texts = createTextVault(rawTextKeys([{ name: "bench-1", key: new Uint8Array(32).fill(7) }]));
  return { deps: await depsOver(ours, texts), bare, callsOf, texts };
}

async function depsOver(
  { dynamo: client, sfn }: { dynamo: DynamoDBClient; sfn: SFNClient },
  texts: TextVault,
): Promise<AdmissionDeps> {
  const dynamo = createDynamo({ client, tableName: "bench" });
  const catalogue = await loadInstalledCatalogue();
  const clock = () => Date.now();
  const today = () => localDateOf(clock(), "Europe/Paris");
  const limits = { dayMicros: 1e9 * MICROS_PER_USD, monthMicros: 1e9 * MICROS_PER_USD };
  const on = ["replicate"];
  return {
    catalogue,
    route: installedRouting({
      catalogue,
      attestations: [{ provider: "replicate", rating: "nudity", by: "bench", date: today() }],
      on,
      off: new Map(
        catalogue.providers
          .filter(({ name }) => !on.includes(name))
          .map(({ name }) => [name, { reason: "no-key", detail: "not here" }]),
      ),
      today,
    }),
    requests: createRequests(dynamo),
    workflow: createStepFunctionsWorkflow({ client: sfn, stateMachineArn: MACHINE_ARN, clock }),
    ledger: createLedgerStore(dynamo),
    firstLimits: limits,
    audit: createAudit(dynamo),
    vault: createPromptVault(dynamo, texts),
    callers: createCallers(dynamo),
    actor: "bench",
    clock,
    today,
    timezone: "Europe/Paris",
    randomBytes: (size) => new Uint8Array(randomBytes(size)),
    provider: null,
    promptKey: new Uint8Array(32).fill(9),
  };
}

let keys = 0;

async function ratioOf(kind: keyof typeof BODIES, side: Side, server: ChildProcess) {
  const accept = async () => {
    const who: Who = { caller: "bench", askedBy: "bench", idempotencyKey: `${process.pid} ${keys++}` };
    const { isNew } = await acceptRequest(askingSchema.parse(BODIES[kind]), who, side.deps);
    if (!isNew) throw new Error("The bench's request stood already.");
  };
  const calls = await side.callsOf(accept);
  const { prompt, negative_prompt: negativePrompt } = BODIES.prompt;
  const text = JSON.stringify({ prompt, negativePrompt });
  const bare = async () => {
    if (kind === "prompt") await side.texts.seal({ purpose: "prompt", subject: "img_bench" }, text);
    for (const call of calls) {
      if ("put" in call) await side.bare.dynamo.send(new PutItemCommand(call.put));
      else await side.bare.sfn.send(new StartExecutionCommand(call.start));
    }
  };
  let total = { ours: 0, theirs: 0 };
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
    if (round === WARM_UP_ROUNDS) {
      total = { ours: 0, theirs: 0 };
      await countsOf(server);
    }
    // Whoever comes second finds what the first left to be collected: they change places.
    if (round % 2 === 0) total.ours += await cpuMsOf(accept);
    total.theirs += await cpuMsOf(bare);
    if (round % 2 === 1) total.ours += await cpuMsOf(accept);
  }
  const counts = await countsOf(server);
  const of = (...actions: readonly string[]) =>
    actions.reduce((sum, action) => sum + (counts[action] ?? 0), 0) / (ROUNDS * CALLS);
  return {
    ratio: rounded(total.ours / total.theirs),
    cpuMs: rounded(total.ours / ROUNDS),
    bareCpuMs: rounded(total.theirs / ROUNDS),
    // The bare calls of the same rounds are none of its own.
    writes: rounded(of("PutItem", "StartExecution", "UpdateItem") - calls.length),
    reads: rounded(of("GetItem", "Query")),
  };
}

/** Processor time of one call, user and system. */
async function cpuMsOf(call: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  for (let number = 0; number < CALLS; number++) await call();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / CALLS;
}

async function countsOf(server: ChildProcess): Promise<Record<string, number>> {
  const counts = once(server, "message");
  server.send("counts");
  return (await counts)[0] as Record<string, number>;
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
