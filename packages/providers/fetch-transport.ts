/**
 * @module The transport over the global `fetch`: no code of its own to load, which counts where a process starts for one
 * call (a Lambda function). `pool.ts` is the quicker one for a process that stays.
 */
import { NotSentError, type Transport, type WireRequest } from "./http.ts";

/**
 * - A body is given as a stream: `fetch` repeats a request by itself after a 421 (Fetch standard, "HTTP-network-or-cache
 *   fetch") when it has the body's source at hand, and a stream has none.
 * - Connections are not kept: a function is frozen between calls, and finds them cut when it wakes. A create on a cut
 *   connection is one of which nobody knows whether it arrived.
 */
export const fetchTransport: Transport = async (request) => {
  const signal = AbortSignal.timeout(request.timeoutMs);
  let response: Response;
  try {
    response = await fetch(request.url, { ...initOf(request), redirect: "manual", signal });
  } catch (error) {
    throw neverConnected(error) ? new NotSentError(error) : error;
  }
  const { status, headers } = response;
  request.begin(headers);
  try {
    for await (const chunk of response.body ?? []) {
      if (!request.receive(chunk)) return { status, headers, whole: false };
    }
    return { status, headers, whole: true };
  } catch {
    return { status, headers, whole: false };
  }
};

function initOf({ method, headers, body }: WireRequest): RequestInit {
  if (body === null) return { method, headers: { ...headers, connection: "close" } };
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const stream = new ReadableStream({
    start(controller) {
      controller.enqueue(bytes);
      controller.close();
    },
  });
  return {
    method,
    headers: { ...headers, connection: "close", "content-length": String(bytes.byteLength) },
    body: stream,
    duplex: "half",
  };
}

/** Failures of the certificate come before the first byte of the request. */
const CERTIFICATE_CODES = new Set([
  "CERT_HAS_EXPIRED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/** True when every underlying failure is one of looking up, connecting or the certificate. */
export function neverConnected(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(neverConnected);
  if (!(error instanceof Error)) return false;
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (syscall === "connect" || syscall === "getaddrinfo") return true;
  if (code === "UND_ERR_CONNECT_TIMEOUT" || (code !== undefined && CERTIFICATE_CODES.has(code))) return true;
  return error.cause !== undefined && neverConnected(error.cause);
}
