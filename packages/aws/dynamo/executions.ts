/** @module Executions of the state machine, for engines that do not remember themselves. */
import type { Page, PlanInput, Records } from "@atelier/core/ports";
import * as z from "zod";
import type { Dynamo } from "./client.ts";
import type { PageRequest } from "./cursor.ts";
import { executionKey, OPEN_EXECUTIONS } from "./keys.ts";
import { createOpenRecords, type Kind, type Openness } from "./records.ts";

const planInputSchema = z.union([
  z.object({ requestId: z.string(), part: z.int().nonnegative(), generation: z.int().positive() }),
  z.object({ entry: z.string(), scheduledTime: z.string() }),
]) satisfies z.ZodType<PlanInput>;

export const executionSchema = z.object({
  /** Unique for ever. */
  name: z.string(),
  input: planInputSchema,
  status: z.enum(["running", "ended"]),
  /** Of the state machine that it was started with. */
  definitionHash: z.string(),
  /** Process id (as in `ProcessLease`) of who runs it. */
  owner: z.string(),
  startedAtMs: z.int(),
  endedAtMs: z.int().nullable(),
});
export type Execution = z.infer<typeof executionSchema>;

export interface Executions extends Records<Execution> {
  /** Executions with status `running`, oldest first. */
  running(page: PageRequest): Promise<Page<Execution>>;
}

const executionKind: Kind<Execution> & { open: Openness<Execution> } = {
  name: "execution",
  schema: executionSchema,
  idOf: (execution) => execution.name,
  keyOf: executionKey,
  fixed: ["name", "startedAtMs"],
  open: {
    hash: OPEN_EXECUTIONS,
    isOpen: (execution) => execution.status === "running",
    decidedBy: ["status"],
    createdAtMs: (execution) => execution.startedAtMs,
  },
};

export function createExecutions(dynamo: Dynamo): Executions {
  const { open, ...records } = createOpenRecords(executionKind, dynamo);
  return { ...records, running: open };
}
