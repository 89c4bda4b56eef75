/** @module What Replicate says about a prediction, as an `OperationStatus`. */
import { AtelierError } from "@atelier/core/errors";
import type { Operation, OperationStatus, OutputData } from "@atelier/core/provider";
import { parseProgressFromLogs } from "replicate";
import * as z from "zod";
import { decodeDataUri, isDataUri } from "../data-uri.ts";
import { redact } from "../http.ts";
import { isModeration } from "./errors.ts";

/** Ids go into paths. */
const idSchema = z.string().regex(/^[\w-]{1,128}$/);

/** Loose: recorded answers lack almost any field but these two. */
export const predictionSchema = z.object({
  id: idSchema,
  status: z.string(),
  model: z.string().nullish(),
  version: z.string().nullish(),
  webhook: z.string().nullish(),
  input: z.record(z.string(), z.unknown()).nullish(),
  output: z.unknown().optional(),
  error: z.unknown().optional(),
  logs: z.string().nullish(),
  data_removed: z.boolean().nullish(),
});
export type Prediction = z.infer<typeof predictionSchema>;

export const predictionPageSchema = z.object({
  next: z.string().nullish(),
  results: z.array(predictionSchema),
});

const operationSchema = z.object({ id: idSchema });

/** The same text for the same prediction, wherever it was learnt: operations are claimed by it. */
export function operationOf(prediction: Pick<Prediction, "id">): Operation {
  return JSON.stringify({ id: prediction.id });
}

/** @throws AtelierError `Unexpected` for a text that `operationOf` did not write */
export function predictionIdOf(operation: Operation): string {
  try {
    return operationSchema.parse(JSON.parse(operation)).id;
  } catch (cause) {
    throw new AtelierError("Unexpected", "The operation kept for this attempt is not one of Replicate.", {
      cause,
    });
  }
}

/**
 * What became of the job. Costs stay null: Replicate reports seconds, not money, and the list price is booked.
 *
 * A `processing` prediction is pending even when an output shows already: it may be a partial one. A status that we do
 * not know is pending too, until the attempt's own deadline.
 */
export function statusOf(prediction: Prediction): OperationStatus {
  switch (prediction.status) {
    case "succeeded":
      return succeeded(prediction);
    case "failed": {
      const said = textOf(prediction.error);
      const name = isModeration(said) ? "ContentRejected" : "ProviderFailed";
      const message = `The model failed: ${redact(said, inputTexts(prediction)) || "no reason given"}`;
      return { kind: "failed", name, message, charged: true, costMicros: null };
    }
    case "canceled":
      return {
        kind: "failed",
        name: "ProviderCancelled",
        message: "The job was cancelled while it ran, or ran past its deadline.",
        charged: true,
        costMicros: null,
      };
    case "aborted":
      return {
        kind: "failed",
        name: "ProviderAborted",
        message: "The job was dropped before it started.",
        charged: false,
        costMicros: null,
      };
    default: {
      const progress = parseProgressFromLogs(prediction.logs ?? "")?.percentage;
      return progress === undefined ? { kind: "pending" } : { kind: "pending", progress };
    }
  }
}

function succeeded(prediction: Prediction): OperationStatus {
  const addresses = addressesOf(prediction.output);
  if (addresses.length > 0) {
    try {
      return { kind: "succeeded", outputs: addresses.map(outputOf), costMicros: null };
    } catch {
      return paidForNothing("ProviderFailed", "The model succeeded, but what it inlined is not a picture.");
    }
  }
  return prediction.data_removed === true
    ? paidForNothing("OutputExpired", "Replicate has deleted the picture: it keeps them for an hour.")
    : paidForNothing("ProviderFailed", "The model succeeded without a picture.");
}

function paidForNothing(name: "OutputExpired" | "ProviderFailed", message: string): OperationStatus {
  return { kind: "failed", name, message, charged: true, costMicros: null };
}

/** One address, a list of them, or an object that has some among its values. */
function addressesOf(output: unknown): string[] {
  if (typeof output === "string") return /^(https?|data):/i.test(output) ? [output] : [];
  if (typeof output === "object" && output !== null) return Object.values(output).flatMap(addressesOf);
  return [];
}

/** An inlined picture becomes bytes here: as an address it would be far too long for a record. */
function outputOf(address: string): OutputData {
  return isDataUri(address) ? decodeDataUri(address) : { kind: "url", url: address };
}

/** Models like to repeat the prompt in their errors; our messages do not. */
function inputTexts(prediction: Prediction): string[] {
  return Object.values(prediction.input ?? {}).filter((value) => typeof value === "string");
}

function textOf(error: unknown): string {
  if (typeof error === "string") return error;
  return error === null || error === undefined ? "" : JSON.stringify(error);
}
