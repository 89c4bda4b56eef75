/** @module What a wrapper says about a task, as an `OperationStatus`. */
import { AtelierError } from "@atelier/core/errors";
import type { Operation, OperationStatus, OutputData } from "@atelier/core/provider";
import * as z from "zod";
import { readJson, redact } from "../http.ts";
import { idSchema } from "./answers.ts";

const textSchema = z.string().nullish().catch(null);

/**
 * Loose: only the id must be there. A field of an unexpected kind counts as missing, since builds differ in them.
 * `state` tells missing (undefined: the build does not show it) from empty (null).
 */
export const taskSchema = z.object({
  id: idSchema,
  action: textSchema,
  status: textSchema,
  state: textSchema,
  prompt: textSchema,
  promptEn: textSchema,
  /** Milliseconds since 1970. */
  submitTime: z.coerce.number().nullish().catch(null),
  /** `45%` */
  progress: textSchema,
  imageUrl: textSchema,
  imageUrls: z
    .array(z.union([z.string(), z.object({ url: z.string() }).transform(({ url }) => url)]))
    .nullish()
    .catch(null),
  failReason: textSchema,
  buttons: z
    .array(z.object({ customId: textSchema }))
    .nullish()
    .catch(null),
});
export type Task = z.infer<typeof taskSchema>;

const operationSchema = z.object({
  /** The grid. */
  id: idSchema,
  /** The enlarged quarters that were asked for, in order, and when that was. */
  upscales: z.array(idSchema).min(1).optional(),
  askedAtMs: z.int().optional(),
});
export type Job = z.infer<typeof operationSchema>;

/** The same text for the same task, wherever it was learnt: operations are claimed by it. */
export function operationOf({ id, upscales, askedAtMs }: Job): Operation {
  return JSON.stringify({ id, upscales, askedAtMs });
}

/** @throws AtelierError `Unexpected` for a text that `operationOf` did not write */
export function jobOf(operation: Operation): Job {
  const job = readJson(operationSchema, operation);
  if (job !== undefined) return job;
  throw new AtelierError("Unexpected", "The operation kept for this attempt is not one of Midjourney.");
}

export function isImagine(task: Pick<Task, "action">): boolean {
  return !task.action || task.action.toUpperCase() === "IMAGINE";
}

/** Nothing comes after these by itself. */
export function hasEnded(task: Task): boolean {
  return statusOf(task).kind !== "pending" || hasTimedOut(task);
}

/**
 * What became of a task. Wrappers report no money: the list price is booked, once for a grid.
 *
 * Failures count as charged: the job was passed on to Midjourney, and nothing says that its quota came back.
 */
export function statusOf(task: Task): OperationStatus {
  switch (task.status?.toUpperCase()) {
    case "SUCCESS":
      return succeeded(task);
    case "FAILURE":
      // The wrapper stopped waiting; whether Midjourney went on, it does not know. The picture may come yet, and a second
      // purchase might be one too many: nobody decides before the attempt's own deadline.
      return hasTimedOut(task) ? { kind: "pending" } : failed(task);
    case "CANCEL":
      return ended("ProviderCancelled", "The job was cancelled at the wrapper.");
    default: {
      // Also MODAL, an empty status and what we do not know. An `imageUrl` beside these is an unfinished preview.
      const progress = /^\s*(\d{1,3})(?:\.\d+)?\s*%/.exec(task.progress ?? "")?.[1];
      return progress === undefined
        ? { kind: "pending" }
        : { kind: "pending", progress: Math.min(1, Number(progress) / 100) };
    }
  }
}

function hasTimedOut(task: Task): boolean {
  return (
    task.status?.toUpperCase() === "FAILURE" && /超时|tim(?:ed?|ing)[ -]?out/i.test(task.failReason ?? "")
  );
}

function succeeded(task: Task): OperationStatus {
  const single = (task.imageUrls ?? []).filter(isAddress);
  if (single.length > 1) {
    const outputs: OutputData[] = single.map((url) => ({ kind: "url", url }));
    return { kind: "succeeded", outputs, costMicros: null };
  }
  const url = task.imageUrl ?? single[0] ?? "";
  if (!isAddress(url)) return ended("ProviderFailed", "The job succeeded without a picture.");
  const output: OutputData = { kind: "url", url, ...(isImagine(task) ? { layout: "grid-2x2" } : {}) };
  return { kind: "succeeded", outputs: [output], costMicros: null };
}

function failed(task: Task): OperationStatus {
  const reason = task.failReason ?? "";
  const prompts = [task.prompt, task.promptEn].filter((text) => typeof text === "string");
  const message = `The job failed: ${redact(reason, prompts) || "no reason given"}`;
  return ended(FAILURES.find(([pattern]) => pattern.test(reason))?.[1] ?? "ProviderFailed", message);
}

type FailureName = Extract<OperationStatus, { kind: "failed" }>["name"];

/** In the words of Midjourney's bot and of the wrappers. */
const FAILURES: readonly (readonly [RegExp, FailureName])[] = [
  [/banned prompt|moderat|blocked|sensitive|community (guidelines|standards)|敏感|违规/i, "ContentRejected"],
  [/invalid (parameter|request|link)|unrecognized/i, "ProviderRefused"],
  [/取消|cancel/i, "ProviderCancelled"],
];

function ended(name: FailureName, message: string): OperationStatus {
  return { kind: "failed", name, message, charged: true, costMicros: null };
}

function isAddress(text: string): boolean {
  return /^https?:\/\//i.test(text);
}
