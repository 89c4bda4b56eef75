/**
 * @module The quarters of a grid, enlarged by Midjourney: four more jobs, asked for once. They cost quota but no money of ours,
 * so one that goes wrong is left out, and the grid stays what was bought.
 */
import type { Operation, OperationStatus, SubmitContext } from "@atelier/core/provider";
import * as z from "zod";
import { type HttpAnswer, readJson } from "../http.ts";
import { acceptedId, CODES, readAnswer } from "./answers.ts";
import { type Connection, isSuccess } from "./connection.ts";
import { hasEnded, type Job, operationOf, statusOf, type Task, taskSchema } from "./tasks.ts";

/** Enlarging takes seconds; after this, what is there is taken. */
export const UPSCALES_WAIT_MS = 10 * 60 * 1000;

const QUARTERS = [1, 2, 3, 4] as const;

/**
 * Asks for the four, one after the other: wrappers number their tasks by the millisecond. Each is asked for once; after an
 * answer that speaks for the others too (none, refused key, full queue), the rest is not.
 *
 * @returns null when nothing was accepted
 */
export async function askForUpscales(
  grid: Task,
  context: SubmitContext,
  connection: Connection,
): Promise<Operation | null> {
  const upscales: string[] = [];
  for (const quarter of QUARTERS) {
    const request = upscaleOf(grid, quarter);
    if (request === null) continue;
    const echoed = {
      state: `${context.attemptId}.U${quarter}`,
      ...(context.webhookUrl === null ? {} : { notifyHook: context.webhookUrl }),
    };
    const answer = await connection.submit(request.path, { ...request.body, ...echoed });
    const id = await upscaleId(answer, grid, echoed, connection);
    if (id !== null) upscales.push(id);
    else if (speaksForAll(answer)) break;
  }
  if (upscales.length === 0) return null;
  return operationOf({ id: grid.id, upscales, askedAtMs: connection.clock() });
}

/** A task with buttons is pressed, one without is changed: the two dialects. */
function upscaleOf(grid: Task, quarter: number): { path: string; body: object } | null {
  if (!grid.buttons?.length) {
    return { path: "change", body: { taskId: grid.id, action: "UPSCALE", index: quarter } };
  }
  const prefix = `MJ::JOB::upsample::${quarter}::`;
  const customId = grid.buttons.map((button) => button.customId).find((id) => id?.startsWith(prefix));
  return customId ? { path: "action", body: { taskId: grid.id, customId } } : null;
}

/**
 * Code 21 has two meanings. With the `status` of a task, that task is the upscale, asked for before; otherwise the button has
 * opened a window that must be confirmed, and the task goes on then.
 */
async function upscaleId(
  answer: HttpAnswer,
  grid: Task,
  echoed: object,
  connection: Connection,
): Promise<string | null> {
  const read = isSuccess(answer) ? readAnswer(answer) : undefined;
  if (read?.code !== CODES.existsOrWindow) return acceptedId(answer);
  const taskId = read.result ?? null;
  const isWindow = Boolean(grid.buttons?.length) && read.properties?.status === undefined;
  if (!isWindow || taskId === null) return taskId;
  const prompt = grid.promptEn || grid.prompt || "";
  return acceptedId(await connection.submit("modal", { taskId, prompt, ...echoed }));
}

function speaksForAll(answer: HttpAnswer): boolean {
  if (answer.kind !== "answered") return true;
  const { status } = answer;
  return status >= 500 || [401, 403, 429].includes(status) || readAnswer(answer)?.code === CODES.queueFull;
}

/**
 * Pending until all have ended; then the pictures of those that succeeded, or the grid.
 *
 * @throws AtelierError `ProviderUnavailable`
 */
export async function checkUpscales(
  { id, upscales = [], askedAtMs = 0 }: Job,
  connection: Connection,
): Promise<OperationStatus> {
  const answer = await connection.post("list-by-condition", { ids: [...upscales, id] });
  const tasks = isSuccess(answer) ? readJson(z.array(taskSchema), answer.text) : undefined;
  if (tasks === undefined) throw connection.unavailable(answer);
  const taskOf = (wanted: string) => tasks.find((task) => task.id === wanted);
  const grid = taskOf(id);
  const isOverdue = connection.clock() - askedAtMs > UPSCALES_WAIT_MS;

  const enlarged = upscales.map(taskOf);
  // One that is missing beside its grid was forgotten; when the grid is missing too, the wrapper may just have restarted.
  const open = enlarged.filter((task) => (task === undefined ? grid === undefined : !hasEnded(task)));
  if (open.length > 0 && !isOverdue) {
    return { kind: "pending", progress: (upscales.length - open.length) / upscales.length };
  }
  const outputs = enlarged.flatMap((task) => {
    const status = task && statusOf(task);
    return status?.kind === "succeeded" ? status.outputs : [];
  });
  if (outputs.length > 0) return { kind: "succeeded", outputs, costMicros: null };
  return grid === undefined ? { kind: "pending" } : statusOf(grid);
}
