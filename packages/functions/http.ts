/** @module Calls of an HTTP API (payload format 2.0) as the core's webhook receiver takes them. */
import { readWebhookPath, receiveWebhook, type WebhookAnswer, type WebhookDeps } from "@atelier/core/webhook";
import * as z from "zod";
import { idsOf, parsedEvent, type Surroundings } from "./runtime.ts";

const httpEventSchema = z.object({
  rawPath: z.string(),
  /** The gateway gives names in lower case and joins repeated ones by commas. */
  headers: z.record(z.string(), z.string()).default({}),
  requestContext: z.object({ http: z.object({ method: z.string() }) }),
  body: z.string().default(""),
  isBase64Encoded: z.boolean().default(false),
});

export interface HttpAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What this throws, the gateway answers with 500: the provider sends it again, and the reconciler stands behind it. */
export async function answerWebhook(
  event: unknown,
  deps: WebhookDeps & Pick<Surroundings, "telemetry">,
): Promise<HttpAnswer> {
  const call = parsedEvent(httpEventSchema, event);
  const answer = await receive(call, deps);
  const named = readWebhookPath(call.rawPath);
  // Whoever has the signature has the id from us; anything else is not ours to write down.
  if (named && (answer.status === 200 || answer.status === 400)) deps.telemetry.add(idsOf(named));
  const lagSeconds = answer.status === 200 ? lagOf(call, deps.clock()) : null;
  if (lagSeconds !== null && named) {
    const { provider } = named;
    deps.telemetry.measure({ name: "WebhookLagSeconds", value: lagSeconds, dimensions: { provider } });
  }
  deps.telemetry.info("webhook", { status: answer.status, said: answer.message });
  return httpAnswer(answer);
}

/** Standard Webhooks date what they send in seconds; null for those that do not. */
function lagOf({ headers }: z.output<typeof httpEventSchema>, nowMs: number): number | null {
  const sentAtMs = Number(headers["webhook-timestamp"]) * 1000;
  return sentAtMs > 0 ? Math.max(0, nowMs - sentAtMs) / 1000 : null;
}

async function receive(call: z.output<typeof httpEventSchema>, deps: WebhookDeps): Promise<WebhookAnswer> {
  const { rawPath, headers, body, isBase64Encoded } = call;
  const named = readWebhookPath(rawPath);
  if (call.requestContext.http.method !== "POST" || !named) {
    return { status: 404, message: "There is nothing here." };
  }
  const rawBody = Buffer.from(body, isBase64Encoded ? "base64" : "utf8");
  return receiveWebhook({ ...named, headers, rawBody }, deps);
}

function httpAnswer({ status, message }: { status: number; message: string }): HttpAnswer {
  return { statusCode: status, headers: { "content-type": "text/plain; charset=utf-8" }, body: message };
}
