/**
 * @module One call to the API: token, time-outs, problem documents as errors, and repetitions where a second call can do no harm.
 * A purchase is repeated only under an idempotency key, which makes the server answer the first one again.
 */
import { bytesOf, piecesOf, refusalOf } from "./answers.ts";
import { createDeadline, type Deadline, wait } from "./deadline.ts";
import { AtelierApiError, isPassing, NoAnswerError, UnauthenticatedError } from "./errors.ts";

export interface TransportOptions {
  /** As `atelier serve` prints it, such as `http://127.0.0.1:8787`. */
  readonly baseUrl: string;
  /**
   * A token, or how to get one that is good now: called before each call, and once more with the token that was refused when the
   * server answers 401.
   */
  readonly token: string | ((refused: string | null) => string | Promise<string>);
  /** Default: the global one. */
  readonly fetch?: typeof globalThis.fetch;
  /** How long the server may be silent. Default 30 seconds; a stream of events, which is told every 15 seconds that it lives, has twice that. */
  readonly timeoutMs?: number;
  /** How often a call that can do no harm twice is repeated after a lost answer, 429 or a passing 5xx. Default 3. */
  readonly retries?: number;
}

export interface Call {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Path and query, from the slash on; or a whole address, which is called without the token. */
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether asking twice is as asking once. Default: by method, so not for POST. */
  readonly isRepeatable?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** All of them throw AtelierApiError, NoAnswerError, the signal's reason, or what the token's function throws. */
export interface Transport {
  json<T>(call: Call): Promise<T>;
  /** The whole body; empty for none. */
  bytes(call: Call): Promise<Uint8Array<ArrayBuffer>>;
  /** The body as it comes, from one call that is not repeated. */
  pieces(call: Call): AsyncIterable<Uint8Array>;
  /** As `Surroundings`. */
  readonly wait: Surroundings["wait"];
  readonly now: Surroundings["now"];
}

/** What a test may put in the place of the machine's own. */
export interface Surroundings {
  /** Rejects with the signal's reason as soon as it is aborted. */
  readonly wait: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}
export const SURROUNDINGS: Surroundings = { wait, random: Math.random, now: Date.now };

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_RETRIES = 3;
const FIRST_WAIT_MS = 250;

/** A server that asks for more patience is not asked again: its caller decides. */
const RETRY_AFTER_MS_MAX = 60_000;

interface Opened {
  readonly response: Response;
  readonly deadline: Deadline;
}

/** @throws TypeError for a base URL that is none */
export function createTransport(
  options: TransportOptions,
  { wait, random, now }: Surroundings = SURROUNDINGS,
): Transport {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, retries = DEFAULT_RETRIES } = options;
  const baseUrl = checkedBaseUrl(options.baseUrl);
  // Never as a method of ours: browsers' own refuses that.
  const send = options.fetch ?? ((input: string, init: RequestInit) => globalThis.fetch(input, init));

  /** The answer's head. The deadline runs on, for the body: whoever opens, ends it. */
  async function openWith(token: string | null, call: Call, silenceMs: number): Promise<Opened> {
    const { method, path, body, signal } = call;
    const deadline = createDeadline(silenceMs, signal);
    deadline.start();
    try {
      const response = await send(token === null ? path : baseUrl + path, {
        method,
        headers: {
          ...(token === null ? {} : { accept: "application/json", authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...call.headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        // A redirected POST would come as a GET; files may be elsewhere.
        redirect: token === null ? "follow" : "manual",
        signal: deadline.signal,
      });
      if (response.status >= 400) throw await refusalOf(response, now());
      if (!response.ok) {
        await response.body?.cancel();
        throw new NoAnswerError(`${method} ${path}: the answer leads to another address.`);
      }
      return { response, deadline };
    } catch (error) {
      deadline.end();
      throw failureOf(error, call, deadline);
    }
  }

  function failureOf(error: unknown, { method, path, signal }: Call, deadline: Deadline): unknown {
    if (signal?.aborted) return signal.reason;
    if (error instanceof AtelierApiError || error instanceof NoAnswerError) return error;
    const why = deadline.isOver() ? "the server was silent for too long" : messageOf(error);
    return new NoAnswerError(`${method} ${path}: ${why}.`, { cause: error });
  }

  async function open(call: Call, silenceMs: number): Promise<Opened> {
    call.signal?.throwIfAborted();
    if (!call.path.startsWith("/")) return openWith(null, call, silenceMs);
    const { token } = options;
    if (typeof token === "string") return openWith(token, call, silenceMs);
    const first = await token(null);
    try {
      return await openWith(first, call, silenceMs);
    } catch (error) {
      if (!(error instanceof UnauthenticatedError)) throw error;
      return openWith(await token(first), call, silenceMs);
    }
  }

  async function* pieces(call: Call, silenceMs = 2 * timeoutMs): AsyncGenerator<Uint8Array, void, void> {
    const { response, deadline } = await open(call, silenceMs);
    try {
      yield* piecesOf(response, deadline);
      // A stream may end, rather than break, when the signal comes.
      call.signal?.throwIfAborted();
    } catch (error) {
      throw failureOf(error, call, deadline);
    } finally {
      deadline.end();
    }
  }

  async function once(call: Call): Promise<Uint8Array<ArrayBuffer>> {
    const { response, deadline } = await open(call, timeoutMs);
    try {
      return await bytesOf(response, deadline);
    } catch (error) {
      throw failureOf(error, call, deadline);
    } finally {
      deadline.end();
    }
  }

  /** An answer that is cut off, or that nobody can read, is a lost one. */
  async function repeated<T>(call: Call, read: (bytes: Uint8Array<ArrayBuffer>) => T): Promise<T> {
    const isRepeatable = call.isRepeatable ?? call.method !== "POST";
    for (let failed = 0; ; failed++) {
      try {
        return read(await once(call));
      } catch (error) {
        const waitMs =
          isRepeatable && failed < retries && isPassing(error) ? waitMsAfter(error, failed) : null;
        if (waitMs === null || call.signal?.aborted) throw error;
        await wait(waitMs, call.signal);
      }
    }
  }

  /** As long as the server says, else twice as long each time; never all callers at once. Null: too long. */
  function waitMsAfter(error: unknown, failed: number): number | null {
    const askedMs = error instanceof AtelierApiError ? error.retryAfterMs : null;
    if (askedMs !== null && askedMs > RETRY_AFTER_MS_MAX) return null;
    const ownMs = FIRST_WAIT_MS * 2 ** failed * (0.5 + random() / 2);
    return askedMs === null ? ownMs : askedMs + ownMs;
  }

  return {
    json: (call) => repeated(call, (bytes) => parsed(bytes, call)),
    bytes: (call) => repeated(call, (bytes) => bytes),
    pieces,
    wait,
    now,
  };
}

function parsed<T>(bytes: Uint8Array<ArrayBuffer>, { method, path }: Call): T {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as T;
  } catch (error) {
    throw new NoAnswerError(`${method} ${path}: the answer is no JSON.`, { cause: error });
  }
}

function checkedBaseUrl(baseUrl: string): string {
  const isUrl = URL.canParse(baseUrl) && /^https?:$/.test(new URL(baseUrl).protocol);
  if (isUrl) return baseUrl.replace(/\/+$/, "");
  throw new TypeError(`baseUrl is "${baseUrl}", but must be an address such as http://127.0.0.1:8787.`);
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return "no connection";
  return error.cause instanceof Error ? error.cause.message || error.message : error.message;
}
