/** @module Counts every create that reached the sandbox, on disk, so that a test can prove how often something was bought. */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import * as z from "zod";

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

/** One line in one system call: a killed host leaves it whole or not at all. Never the prompt. */
export function recordCreate(path: string, create: RecordedCreate): void {
  appendFileSync(path, `${JSON.stringify(create)}\n`);
}

/** All creates, the oldest first; also readable by other processes. */
export function readCreates(path: string): RecordedCreate[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => createSchema.parse(JSON.parse(line)));
}
