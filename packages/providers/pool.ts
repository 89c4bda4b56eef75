/** @module The transport over undici: connections are kept, and nothing stands between the socket and the receiver. */
import type { Agent, Dispatcher } from "undici";
import { NotSentError, type Transport, type WireAnswer, type WireRequest } from "./http.ts";

export interface PoolOptions {
  /** Default 10 s. */
  readonly connectTimeoutMs?: number;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** Idle connections are left before servers leave them: a create on one that is just being closed has an unknown outcome. */
const KEPT_MS = 4_000;

/**
 * One request at a time on a connection, as many connections as requests. HTTP/1 only: over HTTP/2, undici may send again
 * what a server that goes away has not taken up. undici is loaded with the first request.
 */
export function createPool(options: PoolOptions = {}): Transport {
  let agent: Promise<Agent> | undefined;
  return async (request) => {
    agent ??= openAgent(options);
    const opened = await agent.catch((cause: unknown) => {
      throw new NotSentError(cause);
    });
    return dispatchOnce(opened, request);
  };
}

async function openAgent({ connectTimeoutMs = CONNECT_TIMEOUT_MS }: PoolOptions): Promise<Agent> {
  const { Agent } = await import("undici");
  return new Agent({
    connect: { timeout: connectTimeoutMs },
    allowH2: false,
    pipelining: 1,
    keepAliveTimeout: KEPT_MS,
    // One time-out of our own covers the whole exchange.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

function dispatchOnce(agent: Agent, request: WireRequest): Promise<WireAnswer> {
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | undefined;
    let head: { status: number; headers: Headers } | undefined;
    let over = false;

    const finish = (whole: boolean, error?: unknown) => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      if (head !== undefined) resolve({ ...head, whole });
      // undici announces a request just before its first byte.
      else reject(controller === undefined ? new NotSentError(error) : error);
    };
    const stop = (error: Error) => {
      finish(false, error);
      controller?.abort(error);
    };
    const timer = setTimeout(
      () => stop(new DOMException(`Nothing for ${request.timeoutMs} ms.`, "TimeoutError")),
      request.timeoutMs,
    );

    const url = new URL(request.url);
    agent.dispatch(
      {
        origin: url.origin,
        path: url.pathname + url.search,
        method: request.method,
        headers: request.headers,
        body: request.body,
      },
      {
        onRequestStart(started) {
          // A second announcement would be a second sending; one after the end, a sending that nobody waits for.
          if (over || controller !== undefined) started.abort(new Error("A request is sent once."));
          else controller = started;
        },
        onResponseStart(_, status, headers) {
          // 1xx are announcements.
          if (status < 200) return;
          head = { status, headers: headersOf(headers) };
          request.begin(head.headers);
        },
        onResponseData(_, chunk) {
          if (!over && !request.receive(chunk)) stop(new Error("No more is wanted."));
        },
        onResponseEnd: () => finish(true),
        onResponseError: (_, error) => finish(false, error),
      },
    );
  });
}

function headersOf(raw: Readonly<Record<string, string | string[] | undefined>>): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(raw)) {
    for (const one of Array.isArray(value) ? value : [value])
      if (one !== undefined) headers.append(name, one);
  }
  return headers;
}
