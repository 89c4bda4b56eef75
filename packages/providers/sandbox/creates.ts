/**
 * @module Every create that reached the sandbox, and every purchase, on disk, so that a test can prove how often something
 * was sent and bought. The predictions are the truth of what was bought; the notes tell what was answered.
 */
import { appendFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { recordSchema } from "./predictions.ts";

const createSchema = z.object({
  atMs: z.number(),
  /** What was answered; null for a connection that was cut instead. */
  status: z.int().nullable(),
  /** The prediction that was made and will be paid; null when nothing was created. */
  predictionId: z.string().nullable(),
  version: z.string().nullable(),
  seed: z.int().nullable(),
  webhook: z.string().nullable(),
});
export type RecordedCreate = z.infer<typeof createSchema>;

/** `creates.jsonl` in the sandbox's folder. */
export const CREATES_FILE = "creates.jsonl";
/** One file for each prediction, in the sandbox's folder. */
const PREDICTIONS_FOLDER = "predictions";

/** One line in one system call: a killed host leaves it whole or not at all. Never the prompt. */
export function recordCreate(path: string, create: RecordedCreate): void {
  appendFileSync(path, `${JSON.stringify(create)}\n`);
}

/**
 * All creates that were noted, the oldest first; also readable by other processes. A create is noted once its prediction
 * is saved: a host that is killed in between has bought without a note, never noted without a purchase.
 */
export function readCreates(path: string): RecordedCreate[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => createSchema.parse(JSON.parse(line)));
}

export interface BoughtAttempt {
  readonly predictionId: string;
  /** The address that names the attempt; null when none was given. */
  readonly webhook: string | null;
  readonly seed: number | null;
  readonly createdAtMs: number;
}

const seedSchema = z.int().nullable().catch(null);

/**
 * Everything that was bought, the oldest first: the predictions on disk. Also readable by other processes.
 *
 * @param folder the sandbox's
 * @throws when a prediction cannot be read
 */
export function boughtAttempts(folder: string): BoughtAttempt[] {
  const predictions = join(folder, PREDICTIONS_FOLDER);
  if (!existsSync(predictions)) return [];
  return readdirSync(predictions)
    .filter((name) => name.endsWith(".json"))
    .map((name) => recordSchema.parse(JSON.parse(readFileSync(join(predictions, name), "utf8"))))
    .sort((one, other) => one.createdAtMs - other.createdAtMs)
    .map(({ id, webhook, input, createdAtMs }) => ({
      predictionId: id,
      webhook,
      seed: seedSchema.parse(input.seed),
      createdAtMs,
    }));
}
