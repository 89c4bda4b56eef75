/** @module Finding a create whose answer was lost, in ComfyUI's queue and history. */
import { isAtelierError } from "@atelier/core/errors";
import type { Found } from "@atelier/core/provider";
import { ask, type OwnMachine } from "../own-machine.ts";
import { attemptIdIn, historySchema, operationOf, promptIdIn, queueSchema } from "./responses.ts";

/** Both lists repeat the graph of every job. */
const LIST_BYTES_MAX = 64 * 1024 * 1024;
/** ComfyUI forgets the oldest beyond this (MAXIMUM_HISTORY_SIZE in its execution.py): a list so long may lack ours. */
const HISTORY_JOBS_MAX = 10_000;

/**
 * Reads the queue first: a job goes from there into the history and never back, so what neither shows is not there. Both
 * are in the server's memory; after a restart there is no such job, and never will be.
 */
export async function findJob(attemptId: string, machine: OwnMachine): Promise<Found> {
  try {
    const listing = { responseBytesMax: LIST_BYTES_MAX };
    const queue = await ask(machine, "/queue", queueSchema, listing);
    const history = await ask(machine, "/history", historySchema, listing);
    const past = Object.values(history).map(({ prompt }) => prompt);
    const items = [...queue.queue_running, ...queue.queue_pending, ...past];
    for (const item of items) {
      const id = promptIdIn(item);
      if (id !== undefined && attemptIdIn(item) === attemptId)
        return { kind: "found", operation: operationOf(id) };
    }
    const isComplete =
      past.length < HISTORY_JOBS_MAX && items.every((item) => attemptIdIn(item) !== undefined);
    return { kind: isComplete ? "none" : "unknown" };
  } catch (error) {
    if (isAtelierError(error, "ProviderUnavailable")) return { kind: "unknown" };
    throw error;
  }
}
