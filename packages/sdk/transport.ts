/**
 * @module One call to the API: token, time-out, problem documents as errors, and repetitions where a second call can do no harm.
 * A purchase is repeated only under an idempotency key, which makes the server answer the first one again.
 */
import { AtelierApiError, errorOf, NoAnswerError, type Problem } from "./errors.ts";

export interface TransportOptions {
  /** As `atelier serve` prints it, such as `http://127.0.0.1:8787`. */
  readonly baseUrl: string;
  /** A token, or how to get one that is good now. */
  readonly token: string | (() => string | Promise<string>);
  /** Default: the global one. */
  readonly fetch?: typeof globalThis.fetch;
  /** How long an answer may take to begin. Default 30 seconds. */
  readonly timeoutMs?: number;
  /** How often a call that can be repeated is, after a lost answer, 429 or 5xx. Default 3. */
  readonly retries?: number;
}

export interface Call {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Path and query, from the slash on. */
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether asking twice is as asking once. Default: by method, so not for POST. */
  readonly isRepeatable?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface Transport {
  /** @throws AtelierApiError, NoAnswerError, or the signal's reason */
  json<T>(call: Call): Promise<T>;
  /** The whole answer; its body is still to be read. @throws as `json` */
  answer(call: Call): Promise<Response>;
  /** Waits, no longer than until the signal. */
  wait(ms: number, signal: AbortSignal | undefined): Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_RETRIES = 3;
const FIRST_WAIT_MS = 250;
const WAIT_MS_MAX = 30_000;

export function createTransport(options: TransportOptions): Transport {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, retries = DEFAULT_RETRIES } = options;
  const baseUrl = options.baseUrl.replace(/\/+$/, "");

  async function answer(call: Call): Promise<Response> {
    const isRepeatable = call.isRepeatable ?? call.method !== "POST";
    for (let repeated = 0; ; repeated++) {
      try {
        return await answerOnce(call);
      } catch (error) {
        call.signal?.throwIfAborted();
        if (!isRepeatable || repeated >= retries || !isPassing(error)) throw error;
        await wait(waitMsAfter(error, repeated), call.signal);
      }
    }
  }

  async function answerOnce(call: Call): Promise<Response> {
    const { method, path, body, signal } = call;
    const token = typeof options.token === "string" ? options.token : await options.token();
    const headers = {
      accept: "application/json",
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...call.headers,
    };
    // The time-out is for the beginning of the answer: a stream of events may take hours.
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), timeoutMs);
    let response: Response;
    try {
      const send = options.fetch ?? globalThis.fetch;
      response = await send(`${baseUrl}${path}`, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: signal ? AbortSignal.any([signal, timeout.signal]) : timeout.signal,
      });
    } catch (error) {
      signal?.throwIfAborted();
      const why = timeout.signal.aborted ? `no answer within ${timeoutMs / 1000} s` : messageOf(error);
      throw new NoAnswerError(`${method} ${path}: ${why}.`, { cause: error });
    } finally {
      clearTimeout(timer);
    }
    if (response.status < 400) return response;
    throw errorOf(await problemOf(response), retryAfterMsOf(response));
  }

  return {
    answer,
    async json<T>(call: Call) {
      const response = await answer(call);
      try {
        return (await response.json()) as T;
      } catch (error) {
        call.signal?.throwIfAborted();
        throw new NoAnswerError(`${call.method} ${call.path}: the answer was cut off or is no JSON.`, {
          cause: error,
        });
      }
    },
    wait,
  };
}

function isPassing(error: unknown): boolean {
  if (error instanceof NoAnswerError) return true;
  return error instanceof AtelierApiError && (error.status === 429 || error.status >= 500);
}

/** As long as the server says; else twice as long each time, and never all callers at once. */
function waitMsAfter(error: unknown, repeated: number): number {
  if (error instanceof AtelierApiError && error.retryAfterMs !== null) {
    return Math.min(error.retryAfterMs, WAIT_MS_MAX);
  }
  return FIRST_WAIT_MS * 2 ** repeated * (0.5 + Math.random() / 2);
}

function retryAfterMsOf(response: Response): number | null {
  const value = response.headers.get("retry-after");
  if (value === null) return null;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds * 1000) : null;
}

/** What stands between us and the server may answer in words of its own. */
async function problemOf(response: Response): Promise<Problem> {
  const { status } = response;
  const text = await response.text().catch(() => "");
  try {
    const problem: Partial<Problem> | null = JSON.parse(text);
    if (problem && typeof problem.name === "string" && typeof problem.detail === "string") {
      return {
        ...problem,
        type: problem.type ?? "about:blank",
        title: problem.title ?? "",
        status,
      } as Problem;
    }
  } catch {
    // Not a problem document.
  }
  return {
    type: "about:blank",
    title: response.statusText,
    status,
    name: "Unexpected",
    detail: `The server answered ${status} without saying why.`,
  };
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return "no connection";
  return error.cause instanceof Error ? error.cause.message : error.message;
}

function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
