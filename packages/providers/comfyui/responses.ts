/** @module What ComfyUI says about a create, a job and its lists. */
import { AtelierError } from "@atelier/core/errors";
import type { Operation, OperationStatus, OutputData, ProviderFailureName } from "@atelier/core/provider";
import * as z from "zod";
import { readJson } from "../http.ts";
import { failedFree, isOutOfMemory, saidBy } from "../own-machine.ts";

export const TITLE = "ComfyUI";

/** Ids go into paths. */
const idSchema = z.string().regex(/^[\w-]{1,128}$/);
export const acceptedSchema = z.object({ prompt_id: idSchema });

const operationSchema = z.object({ id: idSchema });

/** The same text for the same job, wherever it was learnt: operations are claimed by it. */
export function operationOf(promptId: string): Operation {
  return JSON.stringify({ id: promptId });
}

/** @throws AtelierError `Unexpected` for a text that `operationOf` did not write */
export function promptIdOf(operation: Operation): string {
  try {
    return operationSchema.parse(JSON.parse(operation)).id;
  } catch (cause) {
    throw new AtelierError("Unexpected", "The operation kept for this attempt is not one of ComfyUI.", {
      cause,
    });
  }
}

const problemSchema = z.object({
  type: z.string().catch(""),
  message: z.string().catch(""),
  details: z.string().catch(""),
});
const refusalSchema = z.object({
  /** A bare text where the body had no graph at all. */
  error: z.union([z.string(), problemSchema]).nullish().catch(null),
  /** By node; an empty list where there are none. */
  node_errors: z
    .record(
      z.string(),
      z
        .object({
          class_type: z.string().catch(""),
          errors: z
            .array(
              problemSchema.extend({
                extra_info: z.object({ input_name: z.string().catch("") }).catch({ input_name: "" }),
              }),
            )
            .catch([]),
        })
        .catch({ class_type: "", errors: [] }),
    )
    .catch({}),
});

/** Inputs that name a file of weights. */
const WEIGHTS = /^(ckpt|unet|model|lora|vae|clip|control_net|style_model)_name\d*$/;

/** Why a graph was refused: weights or a kind of node that the server does not have, or anything else about it. */
export function refusalOf(
  text: string | null,
  status: number,
  secrets: readonly string[],
): { kind: "refused"; name: ProviderFailureName; message: string } {
  const refusal = readJson(refusalSchema, text);
  const error = refusal?.error ?? null;
  const summary = typeof error === "string" ? { type: "", message: error, details: "" } : error;
  const problems = Object.entries(refusal?.node_errors ?? {}).flatMap(([node, { class_type, errors }]) =>
    errors.map((problem) => ({ ...problem, where: `${class_type || "node"} ${node}` })),
  );
  const weights = problems.find(
    ({ type, extra_info }) => type === "value_not_in_list" && WEIGHTS.test(extra_info.input_name),
  );
  const first = weights ?? problems[0];
  const said = first
    ? saidBy([first.where, first.message, first.details], secrets)
    : saidBy([summary?.message, summary?.details], secrets);
  const isMissing = weights !== undefined || isUnknownNode(summary);
  return {
    kind: "refused",
    name: isMissing ? "ModelUnavailable" : "ProviderRefused",
    message: `${TITLE} refused the graph with status ${status}: ${said || "no reason given"}`,
  };
}

/** Newer servers have a type for it; older ones say it in words. */
function isUnknownNode(error: z.infer<typeof problemSchema> | null): boolean {
  return (
    error !== null &&
    (error.type === "missing_node_type" || /node .* (not found|does not exist)/i.test(error.message))
  );
}

const pictureSchema = z.object({
  filename: z.string().min(1),
  subfolder: z.string().nullish(),
  type: z.string().nullish(),
});
const jobSchema = z.object({
  /** `[number, id, graph, extra_data, nodes to run]`, as in the queue. */
  prompt: z.unknown().optional(),
  outputs: z
    .record(z.string(), z.object({ images: z.array(z.unknown()).nullish().catch(null) }).catch({}))
    .nullish()
    .catch(null),
  /** Left out by older servers: they keep only what succeeded. */
  status: z
    .object({ status_str: z.string().nullish(), messages: z.array(z.unknown()).catch([]) })
    .nullish()
    .catch(null),
});
export type Job = z.infer<typeof jobSchema>;

/** Id to job; empty for a job that waits, runs or is not known. */
export const historySchema = z.record(z.string(), jobSchema);
/** The same of one job, whatever else is there. */
export function historyOf(promptId: string) {
  return z.object({ [promptId]: jobSchema.optional() });
}
export const queueSchema = z.object({
  queue_running: z.array(z.array(z.unknown())),
  queue_pending: z.array(z.array(z.unknown())),
});

const extraDataSchema = z.object({ atelier: z.object({ attemptId: z.string() }).nullish().catch(null) });

/** The attempt that an item of queue or history was created for; undefined where it does not show, null for somebody else's. */
export function attemptIdIn(item: unknown): string | null | undefined {
  const extra = Array.isArray(item) ? extraDataSchema.safeParse(item[3]).data : undefined;
  return extra && (extra.atelier?.attemptId ?? null);
}

/** The id of an item of queue or history. */
export function promptIdIn(item: unknown): string | undefined {
  return Array.isArray(item) ? idSchema.safeParse(item[1]).data : undefined;
}

/** Name and what it carries. */
const messageSchema = z.tuple([z.string(), z.unknown()]).rest(z.unknown());
const executionErrorSchema = z.object({
  node_type: z.string().nullish().catch(null),
  exception_type: z.string().nullish().catch(null),
  exception_message: z.string().nullish().catch(null),
});

/**
 * What became of a job that history has: it runs no more. The pictures of the named node count, and only those that it kept:
 * `temp` is a preview.
 */
export function statusOf(job: Job, outputNode: string, baseUrl: string): OperationStatus {
  if (job.status?.status_str === "error") {
    const messages = new Map(
      job.status.messages.flatMap((message) => {
        const [name, data] = messageSchema.safeParse(message).data ?? [];
        return name === undefined ? [] : [[name, data] as const];
      }),
    );
    if (messages.has("execution_interrupted")) {
      return failedFree("ProviderCancelled", "The job was interrupted while it ran.");
    }
    const error = executionErrorSchema.safeParse(messages.get("execution_error")).data;
    const said = saidBy(
      [error?.node_type, error?.exception_type, error?.exception_message],
      textsIn(job.prompt),
    );
    const advice = isOutOfMemory(said) ? " Ask for a smaller picture, or a smaller model." : "";
    return failedFree("ProviderFailed", `${TITLE} failed: ${said || "no reason given"}.${advice}`);
  }
  const pictures = (job.outputs?.[outputNode]?.images ?? [])
    .flatMap((picture) => pictureSchema.safeParse(picture).data ?? [])
    .filter(({ type }) => (type ?? "output") === "output");
  if (pictures.length > 0) {
    return { kind: "succeeded", outputs: pictures.map((one) => outputOf(one, baseUrl)), costMicros: 0 };
  }
  return failedFree(
    "ProviderFailed",
    `${TITLE} succeeded, but node ${outputNode} kept no picture; the same graph and seed are answered from its cache.`,
  );
}

/** What the graph was given as text: our messages do not repeat a prompt. */
function textsIn(item: unknown): string[] {
  const graph = Array.isArray(item) ? graphSchema.safeParse(item[2]).data : undefined;
  return Object.values(graph ?? {}).flatMap(({ inputs }) =>
    Object.values(inputs).filter((value) => typeof value === "string"),
  );
}
const graphSchema = z.record(z.string(), z.object({ inputs: z.record(z.string(), z.unknown()).catch({}) }));

function outputOf({ filename, subfolder }: z.infer<typeof pictureSchema>, baseUrl: string): OutputData {
  const query = new URLSearchParams({ filename, subfolder: subfolder ?? "", type: "output" });
  return { kind: "url", url: `${baseUrl}/view?${query}` };
}

/** The names that a node's input takes, from `GET /object_info/{class}`; undefined when it takes anything. */
export function choicesIn(info: unknown, nodeClass: string, input: string): readonly unknown[] | undefined {
  const shape = z.record(
    z.string(),
    z.object({
      input: z.object({
        required: z.record(z.string(), z.unknown()).nullish(),
        optional: z.record(z.string(), z.unknown()).nullish(),
      }),
    }),
  );
  const inputs = shape.safeParse(info).data?.[nodeClass]?.input;
  const described = inputs?.required?.[input] ?? inputs?.optional?.[input];
  if (!Array.isArray(described)) return undefined;
  const [kind, options] = described;
  if (Array.isArray(kind)) return kind;
  // Newer servers: `["COMBO", { options: […] }]`.
  return z.object({ options: z.array(z.unknown()) }).safeParse(options).data?.options;
}
