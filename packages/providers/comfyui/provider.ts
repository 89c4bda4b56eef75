/**
 * @module The adapter of ComfyUI: a graph is queued, runs when its turn comes, and its pictures are fetched from the server's
 * disk. One's own machine: it bills nothing. Nothing tells about the end; the reconciler asks.
 */
import { AtelierError } from "@atelier/core/errors";
import { placesOf } from "@atelier/core/graph-workflow";
import type { Clock } from "@atelier/core/ids";
import type { Provider } from "@atelier/core/provider";
import * as z from "zod";
import { fetchTransport } from "../fetch-transport.ts";
import { readJson, sendOnce, type Transport } from "../http.ts";
import {
  ask,
  commonSubmission,
  failedFree,
  isServersWord,
  type OwnMachine,
  READ_TIMEOUT_MS,
  tell,
  USER_AGENT,
} from "../own-machine.ts";
import { findJob } from "./find.ts";
import { promptBody, unknownInputs, workflowInput, workflowOf } from "./requests.ts";
import {
  acceptedSchema,
  choicesIn,
  historyOf,
  type Job,
  operationOf,
  promptIdIn,
  promptIdOf,
  queueSchema,
  refusalOf,
  statusOf,
  TITLE,
} from "./responses.ts";

/** A graph is only checked and queued; the first one after a start may wait for the server to list its files. */
export const CREATE_TIMEOUT_MS = 30_000;
/** The queue repeats the graph of every job that waits. */
const QUEUE_BYTES_MAX = 64 * 1024 * 1024;

export interface ComfyuiSettings {
  readonly baseUrl: string;
}

export interface ComfyuiDeps {
  readonly clock: Clock;
  /** By name, as `templates/comfyui/` has them. */
  readonly workflows: Readonly<Record<string, unknown>>;
  /** Default: `fetchTransport`. */
  readonly transport?: Transport;
  readonly createTimeoutMs?: number;
  readonly readTimeoutMs?: number;
}

export function createComfyuiProvider({ baseUrl }: ComfyuiSettings, deps: ComfyuiDeps): Provider {
  const { clock, workflows, createTimeoutMs = CREATE_TIMEOUT_MS } = deps;
  const machine: OwnMachine = {
    title: TITLE,
    baseUrl,
    headers: { "user-agent": USER_AGENT },
    transport: deps.transport ?? fetchTransport,
    readTimeoutMs: deps.readTimeoutMs ?? READ_TIMEOUT_MS,
  };
  const jobOf = async (id: string): Promise<Job | undefined> =>
    (await ask(machine, `/history/${id}`, historyOf(id)))[id];

  async function placeInQueue(id: string): Promise<"running" | "pending" | "none"> {
    const queue = await ask(machine, "/queue", queueSchema, { responseBytesMax: QUEUE_BYTES_MAX });
    const isOurs = (item: unknown) => promptIdIn(item) === id;
    if (queue.queue_running.some(isOurs)) return "running";
    return queue.queue_pending.some(isOurs) ? "pending" : "none";
  }

  return {
    name: "comfyui",
    // The address that the operator configured, in whatever network: pictures are fetched from there and nowhere else.
    trustedOrigin: new URL(baseUrl).origin,

    async submit(request, { attemptId }) {
      const workflow = workflowOf(request.model, workflows);
      if (workflow === undefined) {
        const message = `There is no workflow "${request.model.model}" under templates/comfyui.`;
        return { kind: "refused", name: "ModelUnavailable", message };
      }
      const input = workflowInput(request, workflow, attemptId);
      const unknown = unknownInputs(input, workflow);
      if (unknown.length > 0) {
        const message = `The workflow "${request.model.model}" has no input named ${unknown.join(", ")}.`;
        return { kind: "refused", name: "ProviderRefused", message };
      }
      const answer = await sendOnce(machine.transport, {
        method: "POST",
        url: `${baseUrl}/prompt`,
        headers: { ...machine.headers, "content-type": "application/json" },
        body: JSON.stringify(promptBody(input, workflow, attemptId)),
        timeoutMs: createTimeoutMs,
      });
      if (!isServersWord(answer)) return commonSubmission(TITLE, answer, clock());
      if (answer.status >= 400) {
        return refusalOf(answer.text, answer.status, [request.prompt, request.negativePrompt]);
      }
      const accepted = readJson(acceptedSchema, answer.text);
      return accepted === undefined
        ? { kind: "unknown", message: `${TITLE} accepted the create, but its answer could not be read.` }
        : { kind: "accepted", operation: operationOf(accepted.prompt_id) };
    },

    /** The history answers the same for a job that waits, that runs and that it never knew: the queue tells them apart. */
    async check(operation, model) {
      const id = promptIdOf(operation);
      let job = await jobOf(id);
      if (job === undefined) {
        if ((await placeInQueue(id)) !== "none") return { kind: "pending" };
        // It may have ended between the two questions.
        job = await jobOf(id);
      }
      if (job === undefined) {
        const message = `${TITLE} does not know the job any more: it was deleted, or the server was restarted.`;
        return failedFree("ProviderAborted", message);
      }
      const output = workflowOf(model, workflows)?.output;
      if (output === undefined) {
        throw new AtelierError(
          "ProviderUnavailable",
          `The workflow "${model.model}" of a finished job is missing.`,
        );
      }
      return statusOf(job, output, baseUrl);
    },

    find: ({ attemptId }) => findJob(attemptId, machine),

    /** Newer servers interrupt only the job that is named; older ones whatever runs, so it is sent only while that is ours. */
    async cancel(operation) {
      const id = promptIdOf(operation);
      const place = await placeInQueue(id);
      if (place === "pending") await tell(machine, "/queue", { body: { delete: [id] } });
      if (place === "running") await tell(machine, "/interrupt", { body: { prompt_id: id } });
    },

    /** Looks for the checkpoint among those that its node lists. */
    async probe(model) {
      const workflow = workflowOf(model, workflows);
      if (workflow === undefined) return "gone";
      const [node, input] = placesOf(workflow, "checkpoint")[0] ?? [];
      const nodeClass = node === undefined ? undefined : workflow.graph[node]?.class_type;
      if (node === undefined || input === undefined || nodeClass === undefined) return "unknown";
      const path = `/object_info/${encodeURIComponent(nodeClass)}`;
      const info = await ask(machine, path, z.record(z.string(), z.unknown()), { isProbe: true });
      if (info[nodeClass] === undefined) return "gone";
      const wanted = model.extras.checkpoint ?? workflow.graph[node]?.inputs[input];
      const choices = choicesIn(info, nodeClass, input);
      if (choices === undefined) return "unknown";
      return choices.includes(wanted) ? "available" : "gone";
    },
  };
}
