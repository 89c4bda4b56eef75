/**
 * @module Who runs executions: processes of one's own machine, which hold everything in memory and lose it with their life, and
 * the cloud, where the state machine outlives its functions and each function may end, be late, or answer to nobody.
 */
import { submitterOf } from "@atelier/aws/step-functions";
import { answerIfBoth } from "@atelier/core/outcome";
import type { PlanInput, TokenAnswer, Workflow } from "@atelier/core/ports";
import { reconcileAttempts } from "@atelier/core/reconcile-attempts";
import { definition, STEP_NAMES, type StepName } from "@atelier/core/workflow/definition";
import { AWS_TIMES } from "@atelier/functions/reconcile-report";
import { createHandlers, LOCAL_FUNCTIONS } from "@atelier/local/handlers";
import type { Installation, Installer } from "./installation.ts";
import { type Engine, interpret, type Machine, TaskFailed } from "./interpreter.ts";
import { type Life, newLife, type Scheduler } from "./scheduler.ts";

const DOCUMENT = definition(LOCAL_FUNCTIONS) as unknown as Machine;

/** As `packages/local/installation.ts` has them. */
const LOCAL_TIMES = { lostCreateGraceMs: 5_000, checkIntervalMs: 2_000 };
/** As `stacks/sizes.ts` has them, by function; the others have a minute. */
const TIMEOUT_SECONDS: Readonly<Record<string, number>> = {
  plan: 120,
  collect: 120,
  process: 120,
  reconcile: 300,
  webhook: 25,
};
const BACKSTOP_MS = 2_000;
/** From memory: six to seven hundred. */
const CLOUD_TOKEN_CHARACTERS = 640;

interface Token {
  readonly host: Host;
  readonly attemptId: string;
  answer(answer: TokenAnswer): void;
}

interface Execution {
  readonly host: Host;
  status: "running" | "ended";
}

interface Host {
  readonly life: Life;
  invoke(functionName: string, payload: unknown): Promise<unknown>;
}

export interface Hosts {
  /** The product's things for a call of a function that is no step, on the cloud or on a machine that lives. */
  asFunction(
    name: string,
    onDeath?: () => void,
  ): {
    readonly life: Life;
    readonly installation: Installation;
    /** To be called when its work is done. */
    over(): void;
  };
  asMachine(): { readonly life: Life; readonly installation: Installation };
  running(): number;
  readonly counts: Counts;
}

export interface Counts {
  /** By state: what Step Functions bills. */
  readonly transitions: Record<string, number>;
  /** By function, calls on the cloud. */
  readonly invocations: Record<string, number>;
  /** By function, virtual milliseconds that its calls took. */
  readonly billedMs: Record<string, number>;
  /** Executions that ended with an error; the document has none but for Plan. */
  readonly failed: string[];
}

export interface HostRates {
  /** Out of a hundred thousand: an execution's process, or a function's answer, is lost between two states. */
  readonly atBoundary: number;
  /** The same at a boundary that has not seen one. */
  readonly atNewBoundary: number;
  /** A function goes on while the state machine was told that it failed. */
  readonly forsaken: number;
  /** Out of a hundred executions, how many run on a machine. */
  readonly onMachines: number;
}

export function createHosts(
  scheduler: Scheduler,
  install: Installer,
  rates: HostRates,
  change: (document: Machine) => Machine = (document) => document,
): Hosts {
  const document = change(DOCUMENT);
  const executions = new Map<string, Execution>();
  const tokens = new Map<string, Token>();
  const counts: Counts = { transitions: {}, invocations: {}, billedMs: {}, failed: [] };
  let made = 0;

  // ------------------------------------------------------------------------------------------ as seen by one life

  function workflowFor(life: Life): Workflow {
    const call = <T>(name: string, make: () => Promise<T>) =>
      scheduler.call(life, { label: `workflow.${name}`, isStore: true, tookMs: () => [2, 30] }, make);
    return {
      start: (name, input) => call("start", async () => start(name, input)),
      describe: (name) => call("describe", async () => executions.get(name)?.status ?? "missing"),
      answer: (token, answer) => call("answer", async () => answerFrom(life, token, answer)),
      submitterAlive: (submitter) => call("submitterAlive", async () => isAlive(submitter)),
    };
  }

  function answerFrom(life: Life, name: string, answer: TokenAnswer): "answered" | "gone" | "foreign" {
    const owner = name.slice(0, name.indexOf("~"));
    // Locally only the process itself can answer, and nobody else can tell whether it is gone.
    if (owner !== cloud.life.name && owner !== life.name) return "foreign";
    const token = tokens.get(name);
    if (!token) return "gone";
    tokens.delete(name);
    token.answer(answer);
    return "answered";
  }

  function isAlive(submitter: string): boolean {
    const deadlineMs = /^lambda\/.*\/(\d+)$/.exec(submitter)?.[1];
    return deadlineMs === undefined
      ? machines.some(({ life }) => life.name === submitter)
      : scheduler.nowMs() < Number(deadlineMs);
  }

  // ------------------------------------------------------------------------------------------ executions

  function start(name: string, input: PlanInput): "started" | "exists" {
    if (executions.has(name)) return "exists";
    const machine = machines[scheduler.random(machines.length)];
    const host = machine && scheduler.random(100) < rates.onMachines ? machine : cloud;
    const execution: Execution = { host, status: "running" };
    executions.set(name, execution);
    interpret(document, input, { id: `execution:${name}`, name }, engineOf(host)).then(
      () => {
        execution.status = "ended";
      },
      (error: unknown) => {
        execution.status = "ended";
        if (!(error instanceof TaskFailed)) throw error;
        counts.failed.push(`${name}: ${error.message}`);
      },
    );
    return "started";
  }

  function engineOf(host: Host): Engine {
    return {
      scheduler,
      life: host.life,
      invoke: (functionName, payload) => host.invoke(functionName, payload),
      entered: (state) => {
        counts.transitions[state] = (counts.transitions[state] ?? 0) + 1;
      },
      newToken(payload) {
        // Tokens of Step Functions are long, and stand on the attempt.
        const token = `${host.life.name}~${++made}${host === cloud ? `~${"t".repeat(CLOUD_TOKEN_CHARACTERS)}` : ""}`;
        const { attemptId } = payload as { readonly attemptId: string };
        const answered = new Promise<void>((resolve, reject) => {
          const answer = (given: TokenAnswer) =>
            given.ok ? resolve() : reject(new TaskFailed(given.error, given.cause));
          tokens.set(token, { host, attemptId, answer });
        });
        answered.catch(() => undefined);
        return { token, answered, drop: () => tokens.delete(token) };
      },
      async boundary(place) {
        if (host === cloud || !isLostAt(place)) return;
        scheduler.kill(host.life, place);
        await new Promise(() => undefined);
      },
    };
  }

  function isLostAt(place: string): boolean {
    const seen = scheduler.boundaries.get(place);
    if (seen === undefined) scheduler.boundaries.set(place, 0);
    if (!scheduler.happens(seen ? rates.atBoundary : rates.atNewBoundary)) return false;
    scheduler.boundaries.set(place, (seen ?? 0) + 1);
    return true;
  }

  // ------------------------------------------------------------------------------------------ one's own machines

  const machines: (Host & { readonly installation: Installation })[] = [];

  function openMachine(): void {
    const life = newLife(`machine-${++made}`, "machine", () => {
      machines.splice(machines.indexOf(machine), 1);
      for (const execution of executions.values()) {
        if (execution.host === machine) execution.status = "ended";
      }
      for (const [token, { host }] of tokens) if (host === machine) tokens.delete(token);
      openMachine();
    });
    const workflow = workflowFor(life);
    const installation = install(life, { workflow, submitter: life.name, times: LOCAL_TIMES });
    const handlers = createHandlers(installation);
    const machine = {
      life,
      installation,
      async invoke(functionName: string, payload: unknown) {
        try {
          return await handlers[functionName as StepName](payload);
        } catch (error) {
          throw taskFailed(error, (name, message) => [name, message]);
        }
      },
    };
    machines.push(machine);
    void backstop(machine);
  }

  /** As `packages/local/runs.ts` does it: answers the process's own tokens, and asks what webhooks missed. */
  async function backstop({ life, installation }: (typeof machines)[number]): Promise<void> {
    for (;;) {
      await scheduler.sleep(life, BACKSTOP_MS);
      const waiting = [...tokens.values()].filter(({ host }) => host.life === life);
      if (waiting.length === 0) continue;
      try {
        for (const { attemptId } of waiting) {
          const attempt = await installation.attempts.get(attemptId);
          if (attempt) await answerIfBoth(attempt, installation);
        }
        await reconcileAttempts(installation);
      } catch {
        // The next round tries again.
      }
    }
  }

  // ------------------------------------------------------------------------------------------ the cloud

  const cloud: Host = { life: newLife("cloud", "cloud"), invoke: invokeFunction };

  function newFunction(name: string, onDeath: () => void) {
    const life = newLife(`lambda-${++made}-${name}`, "function", onDeath);
    const timeoutMs = (TIMEOUT_SECONDS[name] ?? 60) * 1_000;
    const deadlineMs = scheduler.nowMs() + timeoutMs;
    const submitter = submitterOf({ requestId: life.name, deadlineMs });
    const installation = install(life, { workflow: workflowFor(life), submitter, times: AWS_TIMES });
    return { life, installation, timeoutMs };
  }

  function invokeFunction(name: string, payload: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      let isOver = false;
      const startedAtMs = scheduler.nowMs();
      const over = () => {
        if (isOver) return false;
        isOver = true;
        counts.billedMs[name] = (counts.billedMs[name] ?? 0) + scheduler.nowMs() - startedAtMs;
        return true;
      };
      const fail = (errorName: string, afterMs: number) =>
        scheduler.after(afterMs, () => reject(new TaskFailed(errorName, "{}")));
      if (isLostAt(`before ${name} starts`)) return fail("Lambda.TooManyRequestsException", 50);

      counts.invocations[name] = (counts.invocations[name] ?? 0) + 1;
      const { life, installation, timeoutMs } = newFunction(name, () => {
        if (over()) fail("Lambda.Unknown", 100 + scheduler.random(3_000));
      });
      scheduler.after(timeoutMs, () => {
        if (over()) {
          life.wasCut = true;
          reject(new TaskFailed("Sandbox.Timedout", "{}"));
        }
        // Whatever it still does, it does no more.
        life.isDead = true;
      });
      if (scheduler.happens(rates.forsaken)) {
        scheduler.count("function forsaken");
        fail("Lambda.SdkClientException", scheduler.random(2_000));
      }
      const step = STEP_NAMES.find((one) => one === name);
      if (!step) throw new Error(`There is no function ${name}.`);
      createHandlers(installation)
        [step](payload)
        .then(
          (result) => {
            if (!over()) return;
            if (isLostAt(`after ${name} returned`)) fail("Lambda.Unknown", 50);
            else resolve(result);
          },
          (error: unknown) => {
            if (!over()) return;
            reject(
              taskFailed(error, (errorType, errorMessage) => [
                errorType,
                JSON.stringify({ errorType, errorMessage }),
              ]),
            );
          },
        );
    });
  }

  for (let machine = 0; machine < 2; machine++) openMachine();

  return {
    counts,
    running: () => [...executions.values()].filter(({ status }) => status === "running").length,
    asFunction(name, onDeath = () => undefined) {
      const startedAtMs = scheduler.nowMs();
      counts.invocations[name] = (counts.invocations[name] ?? 0) + 1;
      const { life, installation, timeoutMs } = newFunction(name, onDeath);
      scheduler.after(timeoutMs, () => {
        if (life.isDead) return;
        life.isDead = true;
        life.wasCut = true;
        onDeath();
      });
      const over = () => {
        counts.billedMs[name] = (counts.billedMs[name] ?? 0) + scheduler.nowMs() - startedAtMs;
        life.isDead = true;
      };
      return { life, installation, over };
    },
    asMachine() {
      const machine = machines[scheduler.random(machines.length)];
      if (!machine) throw new Error("No machine lives.");
      return machine;
    },
  };
}

function taskFailed(error: unknown, told: (name: string, message: string) => [string, string]): TaskFailed {
  const name = error instanceof Error ? error.name : "Unexpected";
  return new TaskFailed(...told(name, error instanceof Error ? error.message : String(error)));
}
