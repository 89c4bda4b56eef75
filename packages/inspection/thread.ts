/** @module The thread that holds the models: it may hang or crash, and takes nothing else with it. */
import { parentPort, workerData } from "node:worker_threads";
import type { Classification } from "@atelier/core/ports";
import { loadModels } from "./models.ts";
import type { Pixels } from "./tensors.ts";

export interface ThreadInput {
  readonly faceScoreMin: number;
}
/** `ready` comes once, of itself; then one answer for each picture, in their order. A thread that cannot load ends. */
export type ThreadAnswer = { readonly kind: "ready" } | Classification;

const models = await loadModels(workerData as ThreadInput);
parentPort?.on("message", async (picture: Pixels) => {
  const answer = await models
    .classify(picture)
    .catch((error: unknown): ThreadAnswer => ({ kind: "failed", reason: nameOf(error) }));
  parentPort?.postMessage(answer satisfies ThreadAnswer);
});
parentPort?.postMessage({ kind: "ready" } satisfies ThreadAnswer);

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "unknown";
}
