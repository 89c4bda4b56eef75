/** @module The sandbox's predictions: one JSON file each, and what has become of one by a given time. */
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { faultSchema } from "./faults.ts";

export const recordSchema = z.object({
  id: z.string(),
  model: z.string(),
  version: z.string(),
  input: z.record(z.string(), z.unknown()),
  webhook: z.string().nullable(),
  webhookEvents: z.array(z.string()).nullable(),
  createdAtMs: z.int(),
  /** `starting` before, `processing` from then on. */
  startsAtMs: z.int(),
  /** Null: never by itself. */
  readyAtMs: z.int().nullable(),
  /** From `Cancel-After`. */
  deadlineAtMs: z.int().nullable(),
  cancelledAtMs: z.int().nullable(),
  faults: z.object({
    job: faultSchema.nullable(),
    output: faultSchema.nullable(),
    webhook: faultSchema.nullable(),
  }),
  /** False until an expired address was refused once; only with the fault `expired`. */
  outputRefused: z.boolean(),
  delivery: z.object({ done: z.boolean(), tries: z.int(), nextAtMs: z.int() }),
});
export type PredictionRecord = z.infer<typeof recordSchema>;

export interface PredictionEnd {
  readonly atMs: number;
  readonly status: "succeeded" | "failed" | "canceled" | "aborted";
}

/** When and how the prediction ends if nobody interferes; null when it never does. Derived, so that a restart changes nothing. */
export function endOf(record: PredictionRecord): PredictionEnd | null {
  const failed = record.faults.job?.kind === "job" && ["nsfw", "failed"].includes(record.faults.job.as);
  const stoppedAtMs = Math.min(record.cancelledAtMs ?? Infinity, record.deadlineAtMs ?? Infinity);
  const readyAtMs = record.readyAtMs ?? Infinity;
  if (stoppedAtMs < readyAtMs) {
    return { atMs: stoppedAtMs, status: stoppedAtMs < record.startsAtMs ? "aborted" : "canceled" };
  }
  return readyAtMs === Infinity ? null : { atMs: readyAtMs, status: failed ? "failed" : "succeeded" };
}

export interface PredictionStore {
  get(id: string): PredictionRecord | undefined;
  all(): IterableIterator<PredictionRecord>;
  /** Those whose final webhook is still to be sent. */
  undelivered(): PredictionRecord[];
  /** Resolves once the record is on the disk. */
  save(record: PredictionRecord): Promise<void>;
}

/** Reads every prediction of the folder; a file that cannot be read is reported and left alone. */
export async function openPredictions(
  folder: string,
  onError: (error: unknown) => void,
): Promise<PredictionStore> {
  await mkdir(folder, { recursive: true });
  const records = new Map<string, PredictionRecord>();
  const waiting = new Map<string, PredictionRecord>();
  const remember = (record: PredictionRecord) => {
    records.set(record.id, record);
    if (record.webhook === null || record.delivery.done) waiting.delete(record.id);
    else waiting.set(record.id, record);
  };
  for (const name of (await readdir(folder)).sort()) {
    const path = join(folder, name);
    if (name.endsWith(".tmp")) await rm(path, { force: true });
    if (!name.endsWith(".json")) continue;
    try {
      remember(recordSchema.parse(JSON.parse(await readFile(path, "utf8"))));
    } catch (cause) {
      onError(new Error(`The sandbox cannot read ${name}.`, { cause }));
    }
  }

  const writing = new Map<string, Promise<void>>();
  return {
    get: (id) => records.get(id),
    all: () => records.values(),
    undelivered: () => [...waiting.values()],
    save(record) {
      remember(record);
      const before = writing.get(record.id) ?? Promise.resolve();
      // The newest state is written, whichever call comes to it: writes of one record never overtake each other.
      const written = before
        .catch(() => undefined)
        .then(() => writeSynced(join(folder, `${record.id}.json`), JSON.stringify(records.get(record.id))))
        .finally(() => {
          if (writing.get(record.id) === written) writing.delete(record.id);
        });
      writing.set(record.id, written);
      return written;
    },
  };
}

async function writeSynced(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`;
  const file = await open(temporary, "w");
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}
