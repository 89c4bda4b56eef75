/**
 * @module The adapter of AUTOMATIC1111's web UI and of Forge: one request, answered with the picture when it is done. One's own
 * machine: it bills nothing, makes one picture at a time, and forgets a picture whose answer was lost.
 */
import { AtelierError } from "@atelier/core/errors";
import type { Clock } from "@atelier/core/ids";
import { JOB_DEADLINE_MS } from "@atelier/core/price";
import type { Operation, Provider } from "@atelier/core/provider";
import * as z from "zod";
import { fetchTransport } from "../fetch-transport.ts";
import { sendOnceForPictures, type Transport } from "../http.ts";
import { ask, failedFree, type OwnMachine, READ_TIMEOUT_MS, tell, USER_AGENT } from "../own-machine.ts";
import { authorization, textToImageBody } from "./requests.ts";
import { checkpointsSchema, isSameCheckpoint, submissionFrom, TITLE, taskSchema } from "./responses.ts";

export interface A1111Settings {
  readonly baseUrl: string;
  /** Both or neither. */
  readonly user: string | null;
  readonly password: string | null;
}

export interface A1111Deps {
  readonly clock: Clock;
  /** Default: `fetchTransport`. */
  readonly transport?: Transport;
  readonly readTimeoutMs?: number;
}

const operationSchema = z.object({ task: z.string().min(1) });

/** The handle of an attempt's task; known without asking, since the task's id is the attempt's. */
export function operationOf(attemptId: string): Operation {
  return JSON.stringify({ task: attemptId });
}

/**
 * There is no `find`: a picture whose answer was lost cannot be had any more. Such a task is stopped, so that it does not keep
 * the card from the next one.
 */
export function createA1111Provider(settings: A1111Settings, deps: A1111Deps): Provider {
  const { baseUrl, user, password } = settings;
  const machine: OwnMachine = {
    title: TITLE,
    baseUrl,
    headers: { "user-agent": USER_AGENT, ...authorization(user, password) },
    transport: deps.transport ?? fetchTransport,
    readTimeoutMs: deps.readTimeoutMs ?? READ_TIMEOUT_MS,
  };
  const taskOf = (taskId: string) =>
    ask(machine, "/internal/progress", taskSchema, { body: { id_task: taskId, live_preview: false } });

  /** An interrupt stops whatever runs: it is sent only while that is ours. */
  async function stop(taskId: string): Promise<void> {
    const { active } = await taskOf(taskId);
    if (active) await tell(machine, "/sdapi/v1/interrupt", { body: {} });
  }

  return {
    name: "a1111",
    // Pictures come in the answer; no address is ever fetched.
    trustedOrigin: null,

    async submit(request, { attemptId }) {
      const answer = await sendOnceForPictures(machine.transport, {
        method: "POST",
        url: `${baseUrl}/sdapi/v1/txt2img`,
        headers: { ...machine.headers, "content-type": "application/json" },
        body: JSON.stringify(textToImageBody(request, attemptId)),
        timeoutMs: Math.min(request.deadlineMs, JOB_DEADLINE_MS),
      });
      if (answer.kind === "lost") await stop(attemptId).catch(() => undefined);
      const secrets = [request.prompt, request.negativePrompt, password ?? ""];
      return submissionFrom(answer, request.model.model, secrets, deps.clock());
    },

    /** A task that runs no more has answered whoever asked for it; its picture is nowhere else. */
    async check(operation) {
      const { active, queued, progress } = await taskOf(taskIdOf(operation));
      if (active || queued) return progress ? { kind: "pending", progress } : { kind: "pending" };
      return failedFree("ProviderFailed", `${TITLE} does not work on the picture any more.`);
    },

    operationOf,

    async cancel(operation) {
      await stop(taskIdOf(operation));
    },

    async probe(model) {
      const checkpoints = await ask(machine, "/sdapi/v1/sd-models", checkpointsSchema, { isProbe: true });
      const isThere = checkpoints.some(
        ({ title, model_name }) =>
          isSameCheckpoint(model.model, title) || isSameCheckpoint(model.model, model_name),
      );
      return isThere ? "available" : "gone";
    },
  };
}

function taskIdOf(operation: Operation): string {
  try {
    return operationSchema.parse(JSON.parse(operation)).task;
  } catch (cause) {
    throw new AtelierError("Unexpected", "The operation kept for this attempt is not one of the web UI.", {
      cause,
    });
  }
}
