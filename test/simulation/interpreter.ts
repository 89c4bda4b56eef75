/**
 * @module Step Functions as a simulation has them: interprets the very document of `core/workflow/definition.ts` on the
 * scheduler's clock, with retries, catches, waits, task tokens and time-outs, and counts what AWS would bill. Only what the
 * document uses is understood; anything else is refused.
 */
import type { Life, Scheduler } from "./scheduler.ts";

export interface RetryRule {
  readonly ErrorEquals: readonly string[];
  readonly IntervalSeconds?: number;
  readonly MaxAttempts?: number;
  readonly BackoffRate?: number;
  readonly MaxDelaySeconds?: number;
  readonly JitterStrategy?: string;
}
export interface CatchRule {
  readonly ErrorEquals: readonly string[];
  readonly ResultPath?: string | null;
  readonly Next: string;
}
export interface State {
  readonly Type: string;
  readonly Resource?: string;
  readonly Parameters?: Readonly<Record<string, unknown>>;
  readonly ResultSelector?: Readonly<Record<string, unknown>>;
  readonly ResultPath?: string | null;
  readonly TimeoutSeconds?: number;
  readonly SecondsPath?: string;
  readonly ItemsPath?: string;
  readonly MaxConcurrency?: number;
  readonly ItemProcessor?: Machine;
  readonly Retry?: readonly RetryRule[];
  readonly Catch?: readonly CatchRule[];
  readonly Next?: string;
  readonly End?: boolean;
}
export interface Machine {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
}

/** As a state's error leaves a task: the name, and the cause as text. */
export class TaskFailed extends Error {
  readonly errorName: string;
  readonly errorCause: string;

  constructor(errorName: string, errorCause: string) {
    super(`${errorName}: ${errorCause}`);
    this.errorName = errorName;
    this.errorCause = errorCause;
  }
}

export interface Engine {
  readonly scheduler: Scheduler;
  /** Who would lose the execution by dying. */
  readonly life: Life;
  /** Calls a function; what it throws is a `TaskFailed`. */
  invoke(functionName: string, payload: unknown): Promise<unknown>;
  /** A token and the promise of its answer. */
  newToken(payload: unknown): { readonly token: string; readonly answered: Promise<void>; drop(): void };
  /** Told of every state that is entered, retries included. */
  entered(state: string): void;
  /** The execution may be lost here. */
  boundary(place: string): Promise<void>;
}

export interface ExecutionContext {
  readonly id: string;
  readonly name: string;
}

const PAYLOAD_BYTES_MAX = 256 * 1024;

/** Resolves when the execution has succeeded. @throws TaskFailed when it failed */
export async function interpret(
  machine: Machine,
  input: unknown,
  context: ExecutionContext,
  engine: Engine,
): Promise<unknown> {
  let name = machine.StartAt;
  let data = input;
  for (;;) {
    const state = machine.States[name];
    if (!state) throw new Error(`There is no state ${name}.`);
    await engine.boundary(`before ${name}`);
    const { output, next } = await runState(name, state, data, context, engine);
    if (Buffer.byteLength(JSON.stringify(output) ?? "") > PAYLOAD_BYTES_MAX) {
      throw new TaskFailed("States.DataLimitExceeded", `The state ${name} leaves more than 256 KiB.`);
    }
    await engine.boundary(`after ${name}`);
    if (next === null) return output;
    data = output;
    name = next;
  }
}

interface Left {
  readonly output: unknown;
  readonly next: string | null;
}

async function runState(
  name: string,
  state: State,
  data: unknown,
  context: ExecutionContext,
  engine: Engine,
): Promise<Left> {
  const tried = new Map<RetryRule, number>();
  for (;;) {
    engine.entered(name);
    try {
      const result = await resultOf(state, data, context, engine);
      return { output: placed(state.ResultPath, data, result), next: state.Next ?? null };
    } catch (error) {
      if (!(error instanceof TaskFailed)) throw error;
      const delayMs = retryDelayMs(state, error, tried, engine.scheduler);
      if (delayMs !== null) {
        await engine.scheduler.sleep(engine.life, delayMs);
        continue;
      }
      const caught = state.Catch?.find((rule) => isNamed(rule.ErrorEquals, error.errorName));
      if (!caught) throw error;
      const told = { Error: error.errorName, Cause: error.errorCause };
      return { output: placed(caught.ResultPath, data, told), next: caught.Next };
    }
  }
}

/** States.TaskFailed stands for every error but a time-out; States.ALL for each. */
function isNamed(names: readonly string[], errorName: string): boolean {
  return names.some((name) => name === errorName || name === "States.ALL");
}

function retryDelayMs(
  state: State,
  { errorName }: TaskFailed,
  tried: Map<RetryRule, number>,
  scheduler: Scheduler,
): number | null {
  const rule = state.Retry?.find(({ ErrorEquals }) => isNamed(ErrorEquals, errorName));
  if (!rule) return null;
  const before = tried.get(rule) ?? 0;
  if (before >= (rule.MaxAttempts ?? 3)) return null;
  tried.set(rule, before + 1);
  const seconds = (rule.IntervalSeconds ?? 1) * (rule.BackoffRate ?? 2) ** before;
  const delayMs = Math.min(seconds, rule.MaxDelaySeconds ?? Number.POSITIVE_INFINITY) * 1_000;
  return rule.JitterStrategy === "FULL" ? scheduler.random(delayMs + 1) : delayMs;
}

async function resultOf(
  state: State,
  data: unknown,
  context: ExecutionContext,
  engine: Engine,
): Promise<unknown> {
  switch (state.Type) {
    case "Pass":
      return state.Parameters ? filled(state.Parameters, data, context) : data;
    case "Wait": {
      const seconds = Number(valueAt(state.SecondsPath ?? "", data, context));
      await engine.scheduler.sleep(engine.life, seconds * 1_000);
      return data;
    }
    case "Map":
      return runMap(state, data, context, engine);
    case "Task":
      return runTask(state, data, context, engine);
    default:
      throw new Error(`A state of type ${state.Type} is not understood.`);
  }
}

async function runMap(
  state: State,
  data: unknown,
  context: ExecutionContext,
  engine: Engine,
): Promise<unknown> {
  const items = valueAt(state.ItemsPath ?? "$", data, context);
  const { ItemProcessor } = state;
  if (!Array.isArray(items) || !ItemProcessor) throw new Error("A Map has no items or no states.");
  let next = 0;
  const results: unknown[] = [];
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await interpret(ItemProcessor, items[index], context, engine);
    }
  };
  await Promise.all(Array.from({ length: Math.min(state.MaxConcurrency || 40, items.length) }, worker));
  return results;
}

async function runTask(
  state: State,
  data: unknown,
  context: ExecutionContext,
  engine: Engine,
): Promise<unknown> {
  const { FunctionName, Payload } = state.Parameters ?? {};
  const waits = state.Resource?.endsWith(".waitForTaskToken") === true;
  if (typeof FunctionName !== "string") throw new Error("A Task has no function.");
  if (!waits) {
    const payload = filled(Payload, data, context);
    const result = { StatusCode: 200, Payload: asJson(await engine.invoke(FunctionName, asJson(payload))) };
    return state.ResultSelector ? filled(state.ResultSelector, result, context) : result;
  }
  const waiting = engine.newToken(filled(Payload, data, context, "?"));
  const payload = filled(Payload, data, context, waiting.token);
  const timedOut = engine.scheduler
    .sleep(engine.life, (state.TimeoutSeconds ?? 99_999_999) * 1_000)
    .then(() => Promise.reject(new TaskFailed("States.Timeout", "Nobody answered the token.")));
  try {
    // What the function returns is of no interest; what it throws fails the task, unless it was answered before.
    const failed = engine
      .invoke(FunctionName, asJson(payload))
      .then(() => new Promise<never>(() => undefined));
    await Promise.race([waiting.answered, failed, timedOut]);
    return {};
  } finally {
    waiting.drop();
    timedOut.catch(() => undefined);
  }
}

// ---------------------------------------------------------------------------------------------- paths

/** Payloads are text on the way. */
function asJson(value: unknown): unknown {
  const text = JSON.stringify(value ?? null);
  if (Buffer.byteLength(text) > PAYLOAD_BYTES_MAX) {
    throw new TaskFailed("States.DataLimitExceeded", "A payload has more than 256 KiB.");
  }
  return JSON.parse(text);
}

function filled(template: unknown, data: unknown, context: ExecutionContext, token?: string): unknown {
  if (template === null || typeof template !== "object") return template;
  if (Array.isArray(template)) return template.map((one) => filled(one, data, context, token));
  return Object.fromEntries(
    Object.entries(template).map(([name, value]) =>
      name.endsWith(".$")
        ? [name.slice(0, -2), valueAt(String(value), data, context, token)]
        : [name, filled(value, data, context, token)],
    ),
  );
}

function valueAt(path: string, data: unknown, context: ExecutionContext, token?: string): unknown {
  const parsed = /^States\.StringToJson\((.+)\)$/.exec(path);
  if (parsed) return JSON.parse(String(valueAt(parsed[1] ?? "", data, context)));
  if (path.startsWith("$$.")) {
    const known: Readonly<Record<string, string | undefined>> = {
      "$$.Execution.Id": context.id,
      "$$.Execution.Name": context.name,
      "$$.Task.Token": token,
    };
    if (known[path] === undefined) throw new Error(`The context has no ${path}.`);
    return known[path];
  }
  if (!/^\$(\.\w+)*$/.test(path)) throw new Error(`The path ${path} is not understood.`);
  let value = data;
  for (const name of path.split(".").slice(1)) {
    if (value === null || typeof value !== "object" || !(name in value)) {
      throw new TaskFailed("States.ParameterPathFailure", `There is nothing at ${path}.`);
    }
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

function placed(path: string | null | undefined, data: unknown, result: unknown): unknown {
  if (path === null) return data;
  if (path === undefined || path === "$") return result;
  const name = /^\$\.(\w+)$/.exec(path)?.[1];
  if (name === undefined) throw new Error(`The result path ${path} is not understood.`);
  return { ...(data as object), [name]: result };
}
