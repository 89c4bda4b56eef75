/** @module Executions of the state machine and the processes that run them, for engines that do not remember themselves. */
import type { Page, PlanInput, Records } from "@atelier/core/ports";
import * as z from "zod";
import type { Dynamo } from "./client.ts";
import type { PageRequest } from "./cursor.ts";
import { executionKey, leaseKey, OPEN_EXECUTIONS } from "./keys.ts";
import { createOpenRecords, type Kind, type Openness, parseRecord } from "./records.ts";

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
  /** After this, whoever finds it may take it over. */
  leaseUntilMs: z.int(),
  endedAtMs: z.int().nullable(),
});
export type Execution = z.infer<typeof executionSchema>;

export const processLeaseSchema = z.object({
  processId: z.string(),
  leaseUntilMs: z.int(),
  /** The operating system's number of the process, on `host`. */
  pid: z.int(),
  host: z.string(),
});
export type ProcessLease = z.infer<typeof processLeaseSchema>;

export interface Executions extends Records<Execution> {
  /** Executions with status `running`, oldest first. */
  running(page: PageRequest): Promise<Page<Execution>>;
  readonly leases: {
    /** Writes or renews. */
    put(lease: ProcessLease): Promise<void>;
    get(processId: string): Promise<ProcessLease | undefined>;
  };
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
  return {
    ...records,
    running: open,
    leases: {
      async put(lease) {
        await dynamo.put({ ...lease, ...leaseKey(lease.processId) });
      },
      async get(processId) {
        const item = await dynamo.get(leaseKey(processId));
        return item && parseRecord({ name: "process lease", schema: processLeaseSchema }, item);
      },
    },
  };
}
