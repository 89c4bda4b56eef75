/** @module A create that Stability AI answered with success: the picture, or what was paid for without one. */
import type { OutputData, ProviderFailureName, Submission } from "@atelier/core/provider";
import * as z from "zod";
import { OUTPUT_BYTES_MAX, pictureOf } from "../data-uri.ts";
import { type HttpBytesAnswer, readJson } from "../http.ts";

type Finished = Extract<Submission, { kind: "done" | "failed" }>;
/** A picture as it came, and how it says it ended; null where it does not say. */
interface Artifact {
  readonly bytes: Uint8Array;
  readonly finish: string | null;
}

/** v1 has `base64` and `finishReason`, v2beta `image` and `finish_reason`. */
const artifactSchema = z
  .object({
    base64: z.string().nullish(),
    image: z.string().nullish(),
    finishReason: z.string().nullish(),
    finish_reason: z.string().nullish(),
  })
  .transform(
    ({ base64, image, finishReason, finish_reason }): Artifact => ({
      bytes: Buffer.from(base64 ?? image ?? "", "base64"),
      finish: finishReason ?? finish_reason ?? null,
    }),
  );

/** v1 also answered with the bare list; v2beta has one picture and no list. */
const artifactsSchema = z.union([
  z.array(artifactSchema),
  z.object({ artifacts: z.array(artifactSchema) }).transform(({ artifacts }) => artifacts),
  artifactSchema.transform((artifact) => [artifact]),
]);

/**
 * We ask for bytes; JSON is read all the same where it comes. Costs stay null: what is told is the balance, not the charge,
 * and the list price is booked.
 */
export function finishedFrom({
  headers,
  bytes,
}: Pick<Extract<HttpBytesAnswer, { kind: "answered" }>, "headers" | "bytes">): Finished {
  if (bytes === null)
    return paidForNothing("ProviderFailed", "The answer broke off before the picture was whole.");
  const isJson = /json/i.test(headers.get("content-type") ?? "");
  const artifacts = isJson
    ? readJson(artifactsSchema, Buffer.from(bytes).toString("utf8"))
    : [{ bytes, finish: headers.get("finish-reason") }];
  if (artifacts === undefined) {
    return paidForNothing("ProviderFailed", "Stability AI answered with something that is no picture.");
  }
  return finishedWith(artifacts);
}

/** A filtered picture is blurred: it is thrown away, and was paid for until somebody knows better. */
function finishedWith(artifacts: readonly Artifact[]): Finished {
  const outputs: OutputData[] = [];
  let problem = "Stability AI answered without a picture.";
  for (const { bytes, finish } of artifacts) {
    if (finish === "CONTENT_FILTERED") continue;
    if (finish === "ERROR") {
      problem = "The model failed while it made the picture.";
      continue;
    }
    try {
      outputs.push(pictureOf(bytes, OUTPUT_BYTES_MAX));
    } catch (error) {
      problem = error instanceof Error ? error.message : problem;
    }
  }
  if (outputs.length > 0) return { kind: "done", outputs, costMicros: null };
  return artifacts.some(({ finish }) => finish === "CONTENT_FILTERED")
    ? paidForNothing("ContentRejected", "Stability AI's own filter blurred the picture.")
    : paidForNothing("ProviderFailed", problem);
}

function paidForNothing(name: ProviderFailureName, message: string): Finished {
  return { kind: "failed", name, message, charged: true, costMicros: null };
}
