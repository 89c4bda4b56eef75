/** @module What servers on one's own machine have in common: one request each, nothing billed, and what a bare status says. */
import { AtelierError } from "@atelier/core/errors";
import type { OperationStatus, ProviderFailureName, Submission } from "@atelier/core/provider";
import type * as z from "zod";
import {
  type HttpAnswer,
  type HttpPicturesAnswer,
  readJson,
  redact,
  sendOnce,
  type Transport,
} from "./http.ts";
import { boundedWaitMs, retryAfterHeaderMs } from "./retry-after.ts";

export const USER_AGENT = "atelier";
export const READ_TIMEOUT_MS = 15_000;
/** Waited when a proxy's 429 names no time: about a picture's. */
const RATE_LIMIT_DEFAULT_MS = 10_000;

export interface OwnMachine {
  /** For messages. */
  readonly title: string;
  /** Without a slash at the end. */
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly transport: Transport;
  readonly readTimeoutMs: number;
}

type Answered = Extract<HttpAnswer, { kind: "answered" }>;

/** A failure that is known for certain, and that cost nothing. */
export function failedFree(
  name: ProviderFailureName,
  message: string,
): Extract<OperationStatus, { kind: "failed" }> {
  return { kind: "failed", name, message, charged: false, costMicros: 0 };
}

/** Statuses that stand for themselves, whoever answered. */
const COMMON_STATUSES = new Set([401, 403, 408, 429]);

/** True where the server itself has the word about a create: any 2xx, and a 4xx that is about the request. */
export function isServersWord<Answer extends HttpAnswer | HttpPicturesAnswer>(
  answer: Answer,
): answer is Extract<Answer, { kind: "answered" }> {
  if (answer.kind !== "answered" || COMMON_STATUSES.has(answer.status)) return false;
  return (answer.status >= 200 && answer.status < 300) || (answer.status >= 400 && answer.status < 500);
}

/** What any other answer to a create means, whatever the server. */
export function commonSubmission(
  title: string,
  answer: HttpAnswer | HttpPicturesAnswer,
  nowMs: number,
): Extract<Submission, { kind: "refused" | "unknown" | "rate-limited" }> {
  if (answer.kind === "not-sent") {
    return {
      kind: "refused",
      name: "ProviderAborted",
      message: `Nothing was sent to ${title}: ${answer.message}`,
    };
  }
  if (answer.kind === "lost") return { kind: "unknown", message: answer.message };
  const { status, headers } = answer;
  if (status === 429) {
    const retryAfterMs = boundedWaitMs(retryAfterHeaderMs(headers, nowMs) ?? RATE_LIMIT_DEFAULT_MS);
    return { kind: "rate-limited", retryAfterMs, message: `${title} asks to wait.` };
  }
  if (status === 401 || status === 403) {
    return {
      kind: "refused",
      name: "KeyRefused",
      message: `${title} refused the user or password (status ${status}).`,
    };
  }
  // A redirect, or a proxy that gave up on a request that it may have passed on.
  return { kind: "unknown", message: `${title} answered the create with status ${status}.` };
}

export interface AskOptions {
  /** Sent by POST; left out: a GET. */
  readonly body?: object;
  /** For listings; default that of `sendOnce`. */
  readonly responseBytesMax?: number;
  /** A 401 or 403 is `KeyRefused`: for whoever may throw it. */
  readonly isProbe?: boolean;
}

/**
 * One request that makes no picture, and its answer by a loose schema.
 *
 * @throws AtelierError `ProviderUnavailable` for anything but a 2xx that the schema takes; `KeyRefused` for a probe
 */
export async function ask<T>(
  machine: OwnMachine,
  path: string,
  schema: z.ZodType<T>,
  options: AskOptions = {},
): Promise<T> {
  const read = readJson(schema, (await tell(machine, path, options)).text);
  if (read !== undefined) return read;
  throw new AtelierError(
    "ProviderUnavailable",
    `${machine.title} answered ${path} with something unexpected.`,
  );
}

/** As `ask`, where the answer's body does not matter. */
export async function tell(machine: OwnMachine, path: string, options: AskOptions = {}): Promise<Answered> {
  const { title, baseUrl, headers, transport, readTimeoutMs } = machine;
  const { body, responseBytesMax, isProbe = false } = options;
  const answer = await sendOnce(transport, {
    method: body === undefined ? "GET" : "POST",
    url: `${baseUrl}${path}`,
    headers: body === undefined ? headers : { ...headers, "content-type": "application/json" },
    body: body === undefined ? null : JSON.stringify(body),
    timeoutMs: readTimeoutMs,
    ...(responseBytesMax === undefined ? {} : { responseBytesMax }),
  });
  if (answer.kind !== "answered") throw new AtelierError("ProviderUnavailable", answer.message);
  const { status } = answer;
  if (status >= 200 && status < 300) return answer;
  const name = isProbe && (status === 401 || status === 403) ? "KeyRefused" : "ProviderUnavailable";
  const said = redact(answer.text ?? "", []);
  throw new AtelierError(name, `${title} answered ${path} with status ${status} ${said}`.trim(), {
    data: { status },
  });
}

/** Some words of a server, for a message: without the prompt, on one line. */
export function saidBy(texts: readonly (string | null | undefined)[], secrets: readonly string[]): string {
  return redact(texts.filter((text) => text).join(": "), secrets);
}

/** What the graphics card's memory could not hold. */
export function isOutOfMemory(text: string): boolean {
  return /out ?of ?memory/i.test(text);
}
