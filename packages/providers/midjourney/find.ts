/** @module Finding an imagine whose answer was lost: the attempt's id was sent along as `state`, and tasks are listed with it. */
import type { Found, LostCreate } from "@atelier/core/provider";
import * as z from "zod";
import { readJson } from "../http.ts";
import { type Connection, isSuccess } from "./connection.ts";
import { seedIn } from "./prompt.ts";
import { isImagine, operationOf, type Task, taskSchema } from "./tasks.ts";

/** Our clock and the wrapper's may differ by this much. */
const CLOCK_SLACK_MS = 60_000;

/**
 * `none` needs a list that reaches back beyond the create, as a task from before it shows. Without one nothing is certain: some
 * builds list the newest hundred only, others keep tasks in memory and know none after a restart.
 */
export async function findTask(create: LostCreate, connection: Connection): Promise<Found> {
  const answer = await connection.get("list");
  const tasks = isSuccess(answer) ? readJson(z.array(taskSchema), answer.text) : undefined;
  if (tasks === undefined) return { kind: "unknown" };
  const beforeMs = create.submittingAtMs - CLOCK_SLACK_MS;
  let doubtful = false;
  let reachesBack = false;
  for (const task of tasks) {
    const isEarlier =
      typeof task.submitTime === "number" && task.submitTime > 0 && task.submitTime < beforeMs;
    reachesBack ||= isEarlier;
    if (!isImagine(task)) continue;
    const match = matches(task, create);
    // Whatever its time: a wrapper's clock may be far behind.
    if (match === "yes") return { kind: "found", operation: operationOf({ id: task.id }) };
    doubtful ||= match === "perhaps" && !isEarlier;
  }
  return { kind: reachesBack && !doubtful ? "none" : "unknown" };
}

/**
 * By the attempt's own seed at the end of the prompt, whatever `state` says, or by `state`: builds differ in what they show, and one
 * that is shown as null may have been sent.
 */
function matches(task: Task, create: LostCreate): "yes" | "no" | "perhaps" {
  const prompts = [task.prompt, task.promptEn].filter((text) => typeof text === "string" && text !== "");
  if (prompts.some((prompt) => seedIn(prompt ?? "") === create.seed)) return "yes";
  if (task.state) return task.state === create.attemptId ? "yes" : "no";
  return prompts.length === 0 ? "perhaps" : "no";
}
