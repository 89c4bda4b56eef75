/**
 * @module The adapter to a Midjourney wrapper: midjourney-proxy in the dialect of novicezk (`change`) and in that of trueai
 * (`action`, `modal`). Which one speaks, a task itself tells: with buttons it is the second.
 */
import { isAtelierError } from "@atelier/core/errors";
import type { Provider } from "@atelier/core/provider";
import { type HttpAnswer, readJson } from "../http.ts";
import { isLoopbackHost } from "../public-address.ts";
import { acceptedId, readAnswer, submissionFrom } from "./answers.ts";
import { type ConnectionDeps, type ConnectionSettings, isSuccess, openConnection } from "./connection.ts";
import { findTask } from "./find.ts";
import { botTypeOf, renderedPrompt } from "./prompt.ts";
import { isImagine, jobOf, operationOf, statusOf, type Task, taskSchema } from "./tasks.ts";
import { askForUpscales, checkUpscales } from "./upscales.ts";

export interface MidjourneySettings extends ConnectionSettings {
  /** `crop`: the grid of four is the output; `upscale`: its quarters are asked for, enlarged. */
  readonly outputs: "crop" | "upscale";
}

export function createMidjourneyProvider(settings: MidjourneySettings, deps: ConnectionDeps): Provider {
  const connection = openConnection(settings, deps);
  const { protocol, hostname, origin } = new URL(settings.baseUrl);

  /**
   * Null when the wrapper does not know the task. That is not an end: it was there when it was accepted, and wrappers that keep
   * tasks in memory forget them all with a restart. Calling it failed would buy a second picture.
   */
  async function fetchTask(id: string): Promise<Task | null> {
    const answer = await connection.get(`${id}/fetch`);
    const task = isSuccess(answer) ? readJson(taskSchema, answer.text) : undefined;
    if (task?.id === id) return task;
    if (knowsNoTask(answer)) return null;
    throw connection.unavailable(answer);
  }

  return {
    name: "midjourney",
    // One's own wrapper may hand out pictures itself, from where nobody else can reach.
    trustedOrigin: protocol === "http:" || isLoopbackHost(hostname) ? origin : null,

    async submit(request, context) {
      const prompt = renderedPrompt(request);
      if (prompt === null) {
        const message =
          "Nothing of the prompt is left for Midjourney once switches, weights and addresses are taken out.";
        return { kind: "refused", name: "ProviderRefused", message };
      }
      const answer = await connection.submit("imagine", {
        prompt,
        botType: botTypeOf(request.model),
        state: context.attemptId,
        ...(context.webhookUrl === null ? {} : { notifyHook: context.webhookUrl }),
      });
      const id = acceptedId(answer);
      if (id !== null) return { kind: "accepted", operation: operationOf({ id }) };
      const secrets = [settings.apiKey ?? "", prompt, request.prompt, request.negativePrompt];
      return submissionFrom(answer, secrets, connection.clock());
    },

    async check(operation) {
      const job = jobOf(operation);
      if (job.upscales !== undefined) return checkUpscales(job, connection);
      const task = await fetchTask(job.id);
      if (task === null) return { kind: "pending" };
      const status = statusOf(task);
      const isGrid = status.kind === "succeeded" && status.outputs[0]?.layout !== undefined;
      return isGrid && settings.outputs === "upscale" ? { ...status, canFollowUp: true } : status;
    },

    async followUp(operation, _model, context) {
      const grid = await fetchTask(jobOf(operation).id).catch((error: unknown) => {
        // Nobody asks a second time: the grid is taken as it is.
        if (isAtelierError(error, "ProviderUnavailable")) return null;
        throw error;
      });
      if (grid === null || statusOf(grid).kind !== "succeeded") return null;
      return askForUpscales(grid, context, connection);
    },

    find: (create) => findTask(create, connection),

    /** Only the second dialect can; the first answers 404. */
    async cancel(operation) {
      const { id, upscales = [id] } = jobOf(operation);
      for (const each of upscales) {
        const answer = await connection.post(`${each}/cancel`, null);
        // Any other 4xx says that there is nothing to cancel, or no way to.
        const isSettled =
          answer.kind === "answered" && answer.status < 500 && ![401, 403, 429].includes(answer.status);
        if (!isSettled) throw connection.unavailable(answer);
      }
    },

    /** Hooks are not signed, may come twice, late and out of order: each is a reason to ask, and no more. */
    parseWebhook(_headers, rawBody) {
      const task = readJson(taskSchema, Buffer.from(rawBody).toString("utf8"));
      if (task === undefined) {
        return { kind: "refused", reason: "body", message: "The webhook's body is not a task." };
      }
      // An upscale's id is not that of the purchase.
      return { kind: "hint", operation: isImagine(task) ? operationOf({ id: task.id }) : null };
    },
  };
}

/** An empty body, `null`, 204, or a code of its own where a task should be. */
function knowsNoTask(answer: HttpAnswer): boolean {
  if (answer.kind !== "answered" || answer.text === null) return false;
  const isEmpty = isSuccess(answer) && ["", "null"].includes(answer.text.trim());
  const speaks = [200, 400, 404].includes(answer.status) && readAnswer(answer) !== undefined;
  return isEmpty || speaks;
}
