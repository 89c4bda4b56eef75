/**
 * @module Step Functions on one machine: runs the very document that is deployed, on aws-local-stepfunctions, and adds what
 * that engine lacks: handlers by function name, task tokens, heartbeats, the payload limit, and executions that are
 * remembered (who runs them, whether they ended) so that another process can tell.
 */
import { createHash } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { Execution } from "@atelier/aws/dynamo/executions";
import type { Clock } from "@atelier/core/ids";
import type { PlanInput, Records, TokenAnswer, Workflow } from "@atelier/core/ports";
import type { StateMachine, StateMachineDefinition } from "aws-local-stepfunctions";
import * as z from "zod";
import { createTurns } from "./execution-turns.ts";
import { named } from "./named-error.ts";
import { createTaskTokens } from "./task-tokens.ts";

/** What Step Functions carries between states and in callbacks: 256 KiB. */
export const PAYLOAD_BYTES_MAX = 256 * 1024;

/**
 * Executions that one process has in work; each takes ten images at a time. The others wait as names: memory does not grow with
 * what is asked for.
 */
const EXECUTIONS_AT_ONCE = 16;

/** Steps at work in one process: these hold pictures in memory, while an image that waits for its provider does not. */
const STEPS_AT_ONCE = 24;

/** Whoever waits for an execution began before it ended; this many ends are told about afterwards, too. */
const ENDS_KEPT = 1_000;

/** A step as a Lambda: payload in, result out. */
export type Handler = (payload: unknown) => Promise<unknown>;

export interface StateMachineDeps {
  /** As `core/workflow/definition` made it, with function names that `handlers` knows. */
  readonly definition: object;
  readonly handlers: Readonly<Record<string, Handler>>;
  readonly executions: Records<Execution>;
  /** Of this process; see `ProcessLease`. */
  readonly processId: string;
  readonly isAlive: (processId: string) => Promise<boolean>;
  readonly clock: Clock;
  /** The document is the product's own, which its tests hold against the validator: a start need not take the time at all. */
  readonly isProven?: boolean;
  /** Milliseconds for a state's waits and retries instead of the document's; for tests. */
  readonly overrides?: {
    readonly waitMs?: Readonly<Record<string, number>>;
    readonly retryMs?: Readonly<Record<string, number>>;
  };
  /** Default: 16. */
  readonly executionsAtOnce?: number;
}

export interface LocalStateMachine extends Workflow {
  /** Resolves when the execution of that name, started here, has ended; rejects with its error. */
  ended(name: string): Promise<void>;
  /** Tokens waiting in this process, with the attempt that each is for. */
  waiting(): { token: string; attemptId: string }[];
  heartbeat(token: string): boolean;
  /** States entered so far by executions of this process: what Step Functions would bill. */
  transitions(): number;
  /** Told of executions that fail, unless they were stopped. */
  onFailure(listener: (error: unknown) => void): void;
  /**
   * Starts nothing further; resolves when the steps under way have returned.
   *
   * @param patienceMs of the first call: resolves after that time at the latest; default: however long it takes
   */
  stop(patienceMs?: number): Promise<void>;
}

const statesSchema = z.record(z.string(), z.looseObject({ Type: z.string() }));
const machineSchema = z.looseObject({ States: statesSchema });
const taskSchema = z.object({
  Resource: z.string(),
  Parameters: z.looseObject({ FunctionName: z.string() }),
  TimeoutSeconds: z.number().optional(),
  HeartbeatSeconds: z.number().optional(),
});
const invocationSchema = z.object({ Payload: z.unknown() });

/** Hashes of documents that the validator has found valid in this process: the fifth of a second is taken once for each. */
const validated = new Set<string>();

/** The engine would take JSONata for literal text and run it wrongly. */
const JSONATA = /"(QueryLanguage|Arguments|Assign|Output)":|\{%/;

export function createStateMachine(deps: StateMachineDeps): LocalStateMachine {
  const document = JSON.stringify(deps.definition);
  if (JSONATA.test(document))
    throw new Error("The local engine runs JSONPath only; the definition uses JSONata.");
  const definitionHash = createHash("sha256").update(document).digest("hex").slice(0, 16);
  // Made with the first execution: loading the engine and validating take a fifth of a second each, which a listing need not
  // wait for.
  let made: Promise<StateMachine> | undefined;
  const machine = () => {
    made ??= import("aws-local-stepfunctions").then((engine) => {
      const noValidate = deps.isProven || validated.has(definitionHash);
      const machine = new engine.StateMachine(JSON.parse(document) as StateMachineDefinition, {
        validationOptions: noValidate ? { noValidate } : { checkArn: true, checkPaths: true },
      });
      if (!noValidate) validated.add(definitionHash);
      return machine;
    });
    return made;
  };
  const tokens = createTaskTokens(deps.processId);
  const underWay = new Set<Promise<unknown>>();
  /** From before the record is written: a record of ours without an entry here is one of an earlier life. */
  const starting = new Set<string>();
  const running = new Map<string, { abort: () => void }>();
  const waitingOrRunning = new Set<string>();
  const ends = new Map<string, Promise<void>>();
  const executionTurns = createTurns(deps.executionsAtOnce ?? EXECUTIONS_AT_ONCE);
  const stepTurns = createTurns(STEPS_AT_ONCE);
  let failureListener: ((error: unknown) => void) | null = null;
  let transitions = 0;
  let stopping: Promise<void> | null = null;
  const stateHandlers = handlersByState();

  function handlersByState(): Record<string, (input: unknown) => Promise<unknown>> {
    const byState: Record<string, (input: unknown) => Promise<unknown>> = {};
    for (const [name, state] of tasksOf(machineSchema.parse(JSON.parse(document)).States)) {
      const task = taskSchema.parse(state);
      const handler = deps.handlers[task.Parameters.FunctionName];
      // Without a handler the engine would call AWS Lambda.
      if (!handler)
        throw new Error(`No local function ${task.Parameters.FunctionName} for the state ${name}.`);
      byState[name] = task.Resource.endsWith(".waitForTaskToken")
        ? (input) => callWithToken(handler, invocationSchema.parse(input).Payload, task)
        : async (input) => ({
            StatusCode: 200,
            Payload: limited(await inTurn(handler, invocationSchema.parse(input).Payload)),
          });
    }
    return byState;
  }

  async function callWithToken(
    handler: Handler,
    payload: unknown,
    task: z.infer<typeof taskSchema>,
  ): Promise<unknown> {
    const fields = z.looseObject({ attemptId: z.string() }).parse(payload);
    return tokens.call({
      attemptId: fields.attemptId,
      run: (taskToken) => inTurn(handler, { ...fields, taskToken }),
      timeoutSeconds: task.TimeoutSeconds,
      heartbeatSeconds: task.HeartbeatSeconds,
    });
  }

  async function inTurn(handler: Handler, payload: unknown): Promise<unknown> {
    const input = limited(payload);
    return stepTurns.take("", async () => {
      const work = handler(input);
      underWay.add(work);
      try {
        return await work;
      } finally {
        underWay.delete(work);
      }
    });
  }

  async function start(name: string, input: PlanInput): Promise<"started" | "exists"> {
    if (stopping) throw named("Cancelled", "The run was stopped; nothing new is started.");
    starting.add(name);
    try {
      return await launch(name, input);
    } finally {
      starting.delete(name);
    }
  }

  async function launch(name: string, input: PlanInput): Promise<"started" | "exists"> {
    const engine = await machine();
    const created = await deps.executions.putIfAbsent({
      name,
      input,
      status: "running",
      definitionHash,
      owner: deps.processId,
      startedAtMs: deps.clock(),
      endedAtMs: null,
    });
    if (!created) return "exists";
    waitingOrRunning.add(name);
    const done = finish(
      name,
      executionTurns.take(groupOf(input), () => run(name, input, engine)),
    );
    // Whoever waits by `ended` sees the error; an execution that nobody waits for must not end the process.
    done.catch((error: unknown) => {
      if (!stopping) failureListener?.(error);
    });
    ends.set(name, done);
    return "started";
  }

  function run(name: string, input: PlanInput, engine: StateMachine): Promise<unknown> {
    const execution = engine.run(JSON.parse(JSON.stringify(input)), {
      context: {
        Execution: {
          Id: name,
          Name: name,
          Input: JSON.parse(JSON.stringify(input)),
          StartTime: new Date(deps.clock()).toISOString(),
        },
        // Replaced by a fresh one at each call.
        Task: { Token: "none" },
      },
      overrides: {
        // The engine's own type wants JSON values; what goes through is JSON by the payload limit's serialisation.
        taskResourceLocalHandlers: stateHandlers as Record<string, (input: unknown) => Promise<never>>,
        ...(deps.overrides?.waitMs ? { waitTimeOverrides: deps.overrides.waitMs } : {}),
        ...(deps.overrides?.retryMs ? { retryIntervalOverrides: deps.overrides.retryMs } : {}),
      },
    });
    running.set(name, execution);
    void countTransitions(execution.eventLogs);
    return execution.result;
  }

  async function finish(name: string, result: Promise<unknown>): Promise<void> {
    try {
      await result;
    } finally {
      running.delete(name);
      waitingOrRunning.delete(name);
      forgetOldEnds();
      // A stopped run stays "running" under a process that is gone: that is what `resume` looks for.
      if (!stopping) {
        await deps.executions.patch(name, { set: { status: "ended", endedAtMs: deps.clock() }, when: [] });
      }
    }
  }

  function forgetOldEnds(): void {
    for (const name of ends.keys()) {
      if (ends.size - waitingOrRunning.size <= ENDS_KEPT) return;
      if (!waitingOrRunning.has(name)) ends.delete(name);
    }
  }

  /** Drained always: the engine keeps what nobody reads. */
  async function countTransitions(events: AsyncIterable<{ type: string }>): Promise<void> {
    for await (const event of events) if (event.type === "StateEntered") transitions++;
  }

  async function stopAll(patienceMs: number | undefined): Promise<void> {
    executionTurns.close();
    stepTurns.close();
    for (const { abort } of running.values()) abort();
    tokens.close();
    const returned = Promise.allSettled([...underWay]);
    if (patienceMs === undefined) {
      await returned;
      return;
    }
    // A timer that is left would keep the process from ending.
    const given = new AbortController();
    const { signal } = given;
    await Promise.race([returned, wait(patienceMs, undefined, { signal }).catch(() => undefined)]);
    given.abort();
  }

  return {
    start,
    async ended(name) {
      await ends.get(name);
    },
    async describe(name) {
      if (starting.has(name) || waitingOrRunning.has(name)) return "running";
      const execution = await deps.executions.get(name);
      if (!execution) return "missing";
      if (execution.status === "ended") return "ended";
      return (await deps.isAlive(execution.owner)) && execution.owner !== deps.processId
        ? "running"
        : "ended";
    },
    async answer(token: string, answer: TokenAnswer) {
      return tokens.answer(token, answer);
    },
    submitterAlive: deps.isAlive,
    waiting: tokens.waiting,
    heartbeat: tokens.beat,
    transitions: () => transitions,
    onFailure(listener) {
      failureListener = listener;
    },
    stop(patienceMs) {
      stopping ??= stopAll(patienceMs);
      return stopping;
    },
  };
}

/** What executions are fair to one another by: the request, or the entry of the calendar. */
function groupOf(input: PlanInput): string {
  return "requestId" in input ? input.requestId : input.entry;
}

function* tasksOf(states: z.infer<typeof statesSchema>): Generator<[string, unknown]> {
  for (const [name, state] of Object.entries(states)) {
    if (state.Type === "Task") yield [name, state];
    if (state.Type === "Map") yield* tasksOf(machineSchema.parse(state.ItemProcessor).States);
  }
}

/** @throws `States.DataLimitExceeded` for more than Step Functions would carry */
function limited<T>(value: T): T {
  const text = JSON.stringify(value ?? null);
  if (Buffer.byteLength(text) > PAYLOAD_BYTES_MAX) {
    throw named(
      "States.DataLimitExceeded",
      `The payload has ${Buffer.byteLength(text)} bytes; 262144 are carried.`,
    );
  }
  return JSON.parse(text) as T;
}
