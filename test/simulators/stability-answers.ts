/** @module What Stability AI answers, in the words of both interfaces, and how a connection goes wrong. */
import type { ServerResponse } from "node:http";
import { sha256Hex } from "@atelier/core/ids";
import type { RawCreate, StabilityRefusal } from "./stability-requests.ts";

/**
 * Made and charged, and answered like this. `cut` breaks the connection halfway, `truncated` ends the picture there; `json`
 * and `bare-list` are JSON though bytes were asked for; `failed` and `filtered` are finish reasons.
 */
export type AnswerForm =
  | "malformed"
  | "text"
  | "truncated"
  | "cut"
  | "json"
  | "bare-list"
  | "failed"
  | "filtered";

export function rateLimited(seconds?: number): StabilityRefusal {
  const penalty = seconds === undefined ? "" : `, and have been timed out for ${seconds} seconds`;
  const message = `You have exceeded the rate limit of 150 requests within a 10 second period${penalty}.`;
  return { status: 429, name: "rate_limit_exceeded", message };
}

export function moderated(path: string): StabilityRefusal {
  return path.startsWith("/v1/")
    ? { status: 400, name: "invalid_prompts", message: "Invalid prompts detected" }
    : {
        status: 403,
        name: "content_moderation",
        message:
          "Your request was flagged by our content moderation system, as a result your request was denied and you were not charged.",
      };
}

export function insufficientBalance(status: 402 | 429): StabilityRefusal {
  const message = "Your organization does not have enough balance to request this action (need $0.009).";
  return { status, name: status === 429 ? "insufficient_balance" : "payment_required", message };
}

/** v1 has one message, v2beta a list. */
export function answerRefusal(
  response: ServerResponse,
  path: string,
  { status, name, message }: StabilityRefusal,
  headers: Record<string, string> = {},
): void {
  const said = path.startsWith("/v1/") ? { message } : { errors: [message] };
  json(response, status, { id: sha256Hex(message).slice(0, 32), name, ...said }, headers);
}

export async function deliver(
  response: ServerResponse,
  { path, accept }: RawCreate,
  picture: Uint8Array,
  seed: number,
  as: AnswerForm | null,
): Promise<void> {
  const isV1 = path.startsWith("/v1/");
  const finish = as === "filtered" ? "CONTENT_FILTERED" : as === "failed" ? "ERROR" : "SUCCESS";
  if (as === "malformed") return json(response, 200, '{"artifacts":[{"base64":"iVBORw0');
  if (as === "json" || as === "bare-list" || accept === "application/json") {
    const base64 = Buffer.from(picture).toString("base64");
    const artifacts = [{ base64, seed, finishReason: finish }];
    return isV1
      ? json(response, 200, as === "bare-list" ? artifacts : { artifacts })
      : json(
          response,
          200,
          { image: base64, finish_reason: finish, seed },
          {
            "content-type": "application/json; type=image/png",
          },
        );
  }
  const half = picture.subarray(0, picture.byteLength >> 1);
  const body = as === "text" ? Buffer.from("upstream says hello") : as === "truncated" ? half : picture;
  response.writeHead(200, {
    "content-type": "image/png",
    "content-length": body.byteLength,
    "finish-reason": finish,
    seed: String(seed),
    ...(isV1 ? {} : { "x-request-id": sha256Hex(picture).slice(0, 32) }),
  });
  if (as === "cut") response.write(half, () => response.destroy());
  else response.end(body);
}

export async function drip(
  response: ServerResponse,
  picture: Uint8Array,
  ms: number,
  wait: (ms: number) => Promise<unknown>,
): Promise<void> {
  response.writeHead(200, { "content-type": "image/png", "content-length": picture.byteLength });
  const piece = Math.ceil(picture.byteLength / 8);
  for (let at = 0; at < picture.byteLength && !response.destroyed; at += piece) {
    response.write(picture.subarray(at, at + piece));
    await wait(ms);
  }
  response.end();
}

export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

export function reset(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}
