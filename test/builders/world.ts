/**
 * @module A whole installation for tests: every store on dynalite in memory, files in a folder that goes away, the sandbox
 * as Replicate on the real wire, the real state machine and webhook server, and one clock that the test moves.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAttempts } from "@atelier/aws/dynamo/attempts";
import { createAudit } from "@atelier/aws/dynamo/audit";
import type { Dynamo } from "@atelier/aws/dynamo/client";
import { createExecutions } from "@atelier/aws/dynamo/executions";
import { createImages } from "@atelier/aws/dynamo/images";
import { createLedgerStore } from "@atelier/aws/dynamo/ledger";
import { createPacingStore } from "@atelier/aws/dynamo/pacing";
import { createPromptVault } from "@atelier/aws/dynamo/prompts";
import { createRequests } from "@atelier/aws/dynamo/requests";
import { createBlockedPictures, createReviews } from "@atelier/aws/dynamo/reviews";
import type { Attempt } from "@atelier/core/attempt";
import { executionNameOf } from "@atelier/core/ids";
import type { Image } from "@atelier/core/image";
import type { LedgerRow } from "@atelier/core/ledger-store";
import { createPacing, jobRunning, limitsIn } from "@atelier/core/pacing-rounds";
import { createPictureBlock } from "@atelier/core/picture-block";
import type { Recipe } from "@atelier/core/pictures";
import type { Audit, Events, TokenAnswer, Workflow } from "@atelier/core/ports";
import { charactersOf } from "@atelier/core/prompt";
import type { ReconcileDeps } from "@atelier/core/reconcile";
import type { ImageRequest } from "@atelier/core/request";
import { rankCandidates } from "@atelier/core/routing";
import { localDateOf } from "@atelier/core/schedule";
import { startRequest } from "@atelier/core/start";
import { webhookPath } from "@atelier/core/webhook";
import { definition } from "@atelier/core/workflow/definition";
import { generate } from "@atelier/core/workflow/steps/generate";
import { plan } from "@atelier/core/workflow/steps/plan";
import { createImaging } from "@atelier/imaging/open";
import { createFileBlobs } from "@atelier/local/file-blobs";
import { createHandlers, LOCAL_FUNCTIONS, type StepDeps } from "@atelier/local/handlers";
import { createStateMachine, type LocalStateMachine } from "@atelier/local/state-machine";
import { createTaskTokens } from "@atelier/local/task-tokens";
import { openWebhookServer } from "@atelier/local/webhook-server";
import { createReplicateProvider } from "@atelier/providers/replicate/provider";
import { createOutputFetcher } from "@atelier/providers/safe-url";
import { someRequest } from "../contract/table-fixtures.ts";
import {
  startTestReplicate,
  TEST_TOKEN,
  TEST_WEBHOOK_SECRET,
  type TestReplicate,
} from "../simulators/replicate.ts";
import { CATALOGUE } from "./catalogue.ts";
import { classifierSaying } from "./classifier.ts";
import { TEXT_VAULT } from "./text-vault.ts";

export const TIMEZONE = "Europe/Paris";
const RECIPE: Recipe = {
  name: "test-1",
  enhance: "none",
  steps: [
    { rendition: "full", format: "jpeg", edge: null, quality: 80 },
    { rendition: "thumbnail", format: "webp", edge: 64, quality: 70 },
  ],
};

export interface Answered {
  readonly token: string;
  readonly answer: TokenAnswer;
  readonly said: "answered" | "gone" | "foreign";
}

export interface World {
  readonly replicate: TestReplicate;
  readonly dynamo: Dynamo;
  readonly steps: StepDeps;
  readonly audit: Audit;
  readonly reconciling: ReconcileDeps;
  readonly machine: LocalStateMachine;
  /** Every answer to a token, and what became of it. */
  readonly answers: Answered[];
  readonly events: Parameters<Events["publish"]>[0][];
  /** Processes that count as running; `p1` is the machine's. */
  readonly alive: Set<string>;
  /** Another machine on the same stores, as another process would have it. */
  machineOf(processId: string): LocalStateMachine;
  clock(): number;
  /** Moves the clock; webhooks that become due arrive. */
  advance(byMs: number): Promise<void>;
  /** A request and its images, planned; nothing runs. */
  planned(fields?: Partial<ImageRequest>): Promise<Image[]>;
  /** Starts a request on the machine; its executions. */
  start(fields?: Partial<ImageRequest>): Promise<string[]>;
  /**
   * Calls generate with a token of its own, as the state machine does.
   *
   * @returns how the token was answered: "ok", or the error's name; `sent` resolves when the function has returned
   */
  generating(
    input: { imageId: string; generation: number; attemptId: string },
    timeoutSeconds?: number,
  ): { sent: Promise<unknown>; answered: Promise<string> };
  image(imageId: string): Promise<Image>;
  attempt(attemptId: string): Promise<Attempt>;
  row(): Promise<LedgerRow>;
  webhookUrlOf(attemptId: string): string;
  close(): Promise<void>;
}

export async function startWorld(
  dynamo: Dynamo,
  change: Partial<StepDeps> = {},
  settings: Parameters<typeof startTestReplicate>[0] = {},
): Promise<World> {
  // Without usage the list price is booked: whole cents, which tests can add up.
  const replicate = await startTestReplicate({ tellsUsage: false, ...settings });
  const folder = await mkdtemp(join(tmpdir(), "world-"));
  const clock = () => replicate.clock();
  let drawn = 0;
  const randomBytes = (size: number) => {
    const bytes = Buffer.alloc(size);
    bytes.writeUInt32BE(++drawn);
    return new Uint8Array(bytes);
  };
  const attempts = createAttempts(dynamo);
  const audit = createAudit(dynamo);
  const provider = createReplicateProvider(
    {
      name: "replicate",
      baseUrl: replicate.sandbox().apiUrl,
      token: TEST_TOKEN,
      webhookSecret: TEST_WEBHOOK_SECRET,
    },
    { clock, createTimeoutMs: 2_000, readTimeoutMs: 2_000 },
  );
  const webhookKey = Buffer.from("a webhook key for tests");
  const answers: Answered[] = [];
  const events: Parameters<Events["publish"]>[0][] = [];
  const alive = new Set(["p1", "direct"]);
  const direct = createTaskTokens("direct");
  const machines = new Map<string, LocalStateMachine>();
  const workflow = {
    start: (...call: Parameters<Workflow["start"]>) => machine.start(...call),
    async answer(token: string, answer: TokenAnswer) {
      const owner = token.slice(0, token.indexOf("~"));
      const said =
        owner === "direct"
          ? direct.answer(token, answer)
          : ((await machines.get(owner)?.answer(token, answer)) ?? "foreign");
      answers.push({ token, answer, said });
      return said;
    },
  };
  const providerOf = (name: string) => (name === "replicate" ? provider : undefined);
  const modelOf = (name: string) => CATALOGUE.models.find((model) => model.name === name);
  const blobs = createFileBlobs({ folder, randomBytes: (size) => randomBytes(size) });
  const server = await openWebhookServer(0, {
    attempts: change.attempts ?? attempts,
    workflow,
    blobs,
    providerOf,
    modelOf,
    webhookKey,
    clock,
    // Tests give stores that fail: what becomes of it is seen in the records.
    onFault: () => undefined,
  });
  const webhookUrlOf = (attemptId: string) => server.url + webhookPath("replicate", attemptId, webhookKey);
  const steps: StepDeps = {
    images: createImages(dynamo),
    attempts,
    requests: createRequests(dynamo),
    ledger: createLedgerStore(dynamo),
    blobs,
    catalogue: CATALOGUE,
    workflow,
    providerOf,
    modelOf,
    clock,
    randomBytes,
    timezone: TIMEZONE,
    vault: createPromptVault(dynamo, TEXT_VAULT),
    audit,
    pacing: createPacing({
      store: createPacingStore(dynamo),
      clock,
      limitsOf: limitsIn(CATALOGUE),
      timezone: TIMEZONE,
      isRunning: jobRunning(attempts),
    }),
    events: {
      async publish(event) {
        events.push(event);
      },
    },
    imaging: createImaging({ concurrency: 1 }),
    recipe: RECIPE,
    fetcher: createOutputFetcher({ timeoutMs: 2_000 }),
    classifier: classifierSaying(),
    firstLimits: { dayMicros: 1_000_000, monthMicros: 20_000_000 },
    actor: "test",
    submitter: "p1",
    promptKey: Buffer.from("a prompt key for tests"),
    sandboxKey: null,
    reviews: createReviews(dynamo),
    isBlocked: createPictureBlock(createBlockedPictures(dynamo), Buffer.from("a picture key for tests"))
      .isBlocked,
    providerForOccurrences: null,
    health: async () => ({ models: [], closed: new Map() }),
    route: (query) =>
      rankCandidates({
        models: CATALOGUE.models,
        providers: CATALOGUE.providers,
        wanted: { model: query.wantedModel, provider: query.wantedProvider },
        templateModels: CATALOGUE.categories[0]?.templates[0]?.models ?? [],
        rating: query.rating,
        parameters: query.parameters,
        promptCharacters: charactersOf(query.prompt.prompt),
        negativePrompt: query.prompt.negativePrompt !== "",
        attestations: [],
        on: ["replicate"],
        off: new Map(),
        tried: query.tried,
        rejectedBy: query.rejectedBy,
        failedProviders: query.failedProviders,
        capMicros: query.capMicros,
        health: null,
        today: localDateOf(clock(), TIMEZONE),
        termsExpireAfterDays: 365,
      }),
    webhookUrlOf: ({ attemptId }) => webhookUrlOf(attemptId),
    ...change,
  };
  const executions = createExecutions(dynamo);

  function machineOf(processId: string): LocalStateMachine {
    const existing = machines.get(processId);
    if (existing) return existing;
    const tasks = ["Plan", "Validate", "Generate", "Collect", "Process", "Record", "Abandon"];
    const made = createStateMachine({
      definition: definition(LOCAL_FUNCTIONS),
      handlers: createHandlers({ ...steps, submitter: processId }),
      executions,
      processId,
      isAlive: async (id) => alive.has(id),
      clock,
      overrides: { waitMs: { Pace: 10 }, retryMs: Object.fromEntries(tasks.map((task) => [task, 1])) },
    });
    machines.set(processId, made);
    return made;
  }
  const machine = machineOf("p1");
  const requestOf = (fields: Partial<ImageRequest>) =>
    someRequest({ category: "weekend_special", count: 1, createdAtMs: clock(), ...fields });

  return {
    replicate,
    dynamo,
    steps,
    audit,
    reconciling: {
      ...steps,
      audit,
      workflow: { ...machine, answer: workflow.answer, submitterAlive: async (id) => alive.has(id) },
      times: { lostCreateGraceMs: 5_000, checkIntervalMs: 2_000 },
    },
    machine,
    answers,
    events,
    alive,
    machineOf,
    clock,
    advance: (byMs) => replicate.advance(byMs),
    async planned(fields = {}) {
      const request = requestOf(fields);
      const executionName = executionNameOf(request.requestId, 0, 1);
      await startRequest(request, {
        requests: steps.requests,
        workflow: { start: async () => "started" },
        clock,
      });
      await plan(
        {
          input: { requestId: request.requestId, part: 0, generation: 1 },
          executionId: executionName,
          executionName,
        },
        steps,
      );
      return [...(await steps.images.ofRequest(request.requestId))];
    },
    start: (fields = {}) =>
      startRequest(requestOf(fields), { requests: steps.requests, workflow: machine, clock }),
    generating(input, timeoutSeconds) {
      const sent = Promise.withResolvers<unknown>();
      const answered = direct
        .call({
          attemptId: input.attemptId,
          run: async (taskToken) => {
            try {
              sent.resolve(await generate({ ...input, taskToken }, steps));
            } catch (error) {
              sent.resolve(error);
              throw error;
            }
          },
          timeoutSeconds,
          heartbeatSeconds: undefined,
        })
        .then(
          () => "ok",
          (error: Error) => error.name,
        );
      return { sent: sent.promise, answered };
    },
    async image(imageId) {
      const image = await steps.images.get(imageId);
      if (!image) throw new Error(`There is no image ${imageId}.`);
      return image;
    },
    async attempt(attemptId) {
      const attempt = await attempts.get(attemptId);
      if (!attempt) throw new Error(`There is no attempt ${attemptId}.`);
      return attempt;
    },
    async row() {
      const row = await steps.ledger.read("real", localDateOf(clock(), TIMEZONE).slice(0, 7));
      if (!row) throw new Error("The month is not open.");
      return row;
    },
    webhookUrlOf,
    async close() {
      await Promise.all([...machines.values()].map((one) => one.stop()));
      await server.close();
      await replicate.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
