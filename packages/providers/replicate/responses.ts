/** @module What Replicate says about a prediction, as an `OperationStatus`. */
import { DEFAULT_PARAMETERS, type Model } from "@atelier/core/catalogue";
import { AtelierError } from "@atelier/core/errors";
import type { Micros } from "@atelier/core/money";
import { chargeOfUsage, priceOf } from "@atelier/core/price";
import type { Operation, OperationStatus, OutputData, ProviderFailureName } from "@atelier/core/provider";
import { parseProgressFromLogs } from "replicate";
import * as z from "zod";
import { decodeDataUri, isDataUri } from "../data-uri.ts";
import { redact } from "../http.ts";
import { isModeration } from "./errors.ts";

/** Ids go into paths. */
const idSchema = z.string().regex(/^[\w-]{1,128}$/);

/** Whatever else it says, an answer with an id is a prediction: what does not fit counts as not said. */
const told = <T>(schema: z.ZodType<T>) => schema.nullish().catch(null);

/** Loose: recorded answers lack almost any field but these two. */
export const predictionSchema = z.object({
  id: idSchema,
  status: z.string(),
  model: told(z.string()),
  version: told(z.string()),
  webhook: told(z.string()),
  input: told(z.record(z.string(), z.unknown())),
  output: z.unknown().optional(),
  error: z.unknown().optional(),
  logs: told(z.string()),
  data_removed: told(z.boolean()),
  /** Only once the job has ended: seconds of hardware, pictures made. */
  metrics: told(
    z.object({ predict_time: told(z.number().nonnegative()), image_count: told(z.int().nonnegative()) }),
  ),
});
/** All that a create must answer. */
export const createdSchema = predictionSchema.pick({ id: true, status: true });
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

type PricedModel = Pick<Model, "name" | "price">;

/**
 * What became of the job, and what it cost where that can be told from the hardware's seconds or the pictures made.
 *
 * A `processing` prediction is pending even when an output shows already: it may be a partial one. A status that we do
 * not know is pending too, until the attempt's own deadline.
 */
export function statusOf(prediction: Prediction, model: PricedModel): OperationStatus {
  switch (prediction.status) {
    case "succeeded":
      return succeeded(prediction, model);
    case "failed": {
      const said = textOf(prediction.error);
      const name = isModeration(said) ? "ContentRejected" : "ProviderFailed";
      const message = `The model failed: ${redact(said, inputTexts(prediction)) || "no reason given"}`;
      return charged(name, message, costOf(prediction, model, null));
    }
    case "canceled":
      return charged(
        "ProviderCancelled",
        "The job was cancelled while it ran, or ran past its deadline.",
        costOf(prediction, model, null),
      );
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

function succeeded(prediction: Prediction, model: PricedModel): OperationStatus {
  const addresses = addressesOf(prediction.output);
  const costMicros = costOf(prediction, model, addresses.length === 0 ? null : addresses.length);
  if (addresses.length > 0) {
    try {
      return { kind: "succeeded", outputs: addresses.map(outputOf), costMicros };
    } catch {
      const message = "The model succeeded, but what it inlined is not a picture.";
      return charged("ProviderFailed", message, costMicros);
    }
  }
  return prediction.data_removed === true
    ? charged("OutputExpired", "Replicate has deleted the picture: it keeps them for an hour.", costMicros)
    : charged("ProviderFailed", "The model succeeded without a picture.", costMicros);
}

function charged(name: ProviderFailureName, message: string, costMicros: Micros | null): OperationStatus {
  return { kind: "failed", name, message, charged: true, costMicros };
}

/**
 * Null while there are no metrics: then nothing was measured that could be billed, and the list price is booked.
 *
 * @param pictures how many came out, for when the metrics do not count them; null: not known
 */
function costOf({ metrics }: Prediction, model: PricedModel, pictures: number | null): Micros | null {
  if (!metrics) return null;
  const { price } = model;
  // Where the price goes by size, the prediction alone does not tell it.
  const listMicros =
    price?.per === "image" && price.sizes.length === 0
      ? (priceOf({ ...model, steps: null }, DEFAULT_PARAMETERS)?.listMicros ?? null)
      : null;
  const usage = { seconds: metrics.predict_time ?? null, images: metrics.image_count ?? pictures };
  return chargeOfUsage(model, usage, listMicros);
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
