/** @module The thread that holds the models: it may hang or crash, and takes nothing else with it. */
import { parentPort, workerData } from "node:worker_threads";
import type { Classification } from "@atelier/core/classifier";
import { loadModels } from "./models.ts";
import type { Pixels } from "./tensors.ts";

export interface ThreadInput {
  readonly faceScoreMin: number;
}
/** The number comes back with the answer: no picture is judged by another's. */
export interface ThreadPicture extends Pixels {
  readonly number: number;
}
/** `ready` comes once, of itself; then one answer for each picture. A thread that cannot load its models ends. */
export type ThreadAnswer =
  | { readonly kind: "ready" }
  | { readonly kind: "answer"; readonly number: number; readonly said: Classification };

const models = await loadModels(workerData as ThreadInput);
const say = (answer: ThreadAnswer) => parentPort?.postMessage(answer);
parentPort?.on("message", async ({ number, ...picture }: ThreadPicture) => {
  const said = await models
    .classify(picture)
    .catch((error: unknown): Classification => ({ kind: "failed", reason: nameOf(error) }));
  say({ kind: "answer", number, said });
});
say({ kind: "ready" });

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "unknown";
}
