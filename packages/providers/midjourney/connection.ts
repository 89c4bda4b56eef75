/** @module One exchange with a midjourney-proxy. */
import { AtelierError } from "@atelier/core/errors";
import type { Clock } from "@atelier/core/ids";
import { fetchTransport } from "../fetch-transport.ts";
import { type HttpAnswer, sendOnce, type Transport } from "../http.ts";
import { boundedWaitMs, retryAfterHeaderMs } from "../retry-after.ts";

/** Submits are only queued: they answer in well under a second, unless the wrapper has the prompt translated first. */
export const SUBMIT_TIMEOUT_MS = 30_000;
export const READ_TIMEOUT_MS = 15_000;

/** A list of all tasks of a month, at a kilobyte and a half each. */
const LIST_BYTES_MAX = 32 * 1024 * 1024;

/** Waited when a 429 names no time. */
export const RATE_LIMIT_DEFAULT_MS = 10_000;

export interface ConnectionSettings {
  /** What comes before `/mj`. */
  readonly baseUrl: string;
  readonly apiKey: string | null;
}

export interface ConnectionDeps {
  readonly clock: Clock;
  /** Default: `fetchTransport`. */
  readonly transport?: Transport;
  readonly submitTimeoutMs?: number;
  readonly readTimeoutMs?: number;
}

export interface Connection {
  /** Below `/mj/submit/`: whatever makes something. Sent once. */
  submit(path: string, body: object): Promise<HttpAnswer>;
  /** Below `/mj/task/`: asks and changes nothing, but for `{id}/cancel`. */
  get(path: string): Promise<HttpAnswer>;
  post(path: string, body: object | null): Promise<HttpAnswer>;
  /** A read that gave nothing usable. */
  unavailable(answer: HttpAnswer): AtelierError;
  readonly clock: Clock;
}

export function openConnection(settings: ConnectionSettings, deps: ConnectionDeps): Connection {
  const { baseUrl, apiKey } = settings;
  const { clock, submitTimeoutMs = SUBMIT_TIMEOUT_MS, readTimeoutMs = READ_TIMEOUT_MS } = deps;
  const transport = deps.transport ?? fetchTransport;
  // The proxies read the first, relays in front of them the second.
  const credentials: Record<string, string> =
    apiKey === null ? {} : { "mj-api-secret": apiKey, authorization: `Bearer ${apiKey}` };

  const send = (method: "GET" | "POST", path: string, body: object | null, timeoutMs: number) =>
    sendOnce(transport, {
      method,
      url: `${baseUrl}/mj/${path}`,
      headers: {
        ...credentials,
        accept: "application/json",
        "user-agent": "atelier",
        ...(body === null ? {} : { "content-type": "application/json" }),
      },
      body: body && JSON.stringify(body),
      timeoutMs,
      responseBytesMax: LIST_BYTES_MAX,
    });

  return {
    clock,
    submit: (path, body) => send("POST", `submit/${path}`, body, submitTimeoutMs),
    get: (path) => send("GET", `task/${path}`, null, readTimeoutMs),
    post: (path, body) => send("POST", `task/${path}`, body, readTimeoutMs),
    unavailable(answer) {
      if (answer.kind !== "answered") return new AtelierError("ProviderUnavailable", answer.message);
      // Not what the body says: it may quote a prompt, and nobody here knows which.
      const { status, headers } = answer;
      const what = isSuccess(answer) ? " and something that is no such task" : "";
      const retryAfterMs = retryAfterHeaderMs(headers, clock()) ?? RATE_LIMIT_DEFAULT_MS;
      return new AtelierError(
        "ProviderUnavailable",
        `The Midjourney wrapper answered a read with status ${status}${what}.`,
        { data: { status, ...(status === 429 ? { retryAfterMs: boundedWaitMs(retryAfterMs) } : {}) } },
      );
    },
  };
}

export function isSuccess(answer: HttpAnswer): answer is Extract<HttpAnswer, { kind: "answered" }> {
  return answer.kind === "answered" && answer.status >= 200 && answer.status < 300;
}
