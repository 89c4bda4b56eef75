/**
 * @module One HTTP exchange with a provider: a time-out, a cap on the answer, and a value that says what is certain about
 * the request. Nothing is sent twice here.
 */
import type * as z from "zod";

/** What the global `fetch` is; tests and callers may bring another one. */
export type Transport = (url: string, init: RequestInit) => Promise<Response>;

export interface HttpRequest {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  /** For the whole exchange, the answer's body included. */
  readonly timeoutMs: number;
  /** Default 4 MiB: a prediction with one inlined picture fits. */
  readonly responseBytesMax?: number;
}

export type HttpAnswer =
  /** `text` is null when the body broke off, took too long or was over the cap; the status is certain all the same. */
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly headers: Headers;
      readonly text: string | null;
    }
  /** Provably no byte of the request left: the connection never came about. */
  | { readonly kind: "not-sent"; readonly message: string }
  /** Something may have arrived, and its answer did not. */
  | { readonly kind: "lost"; readonly message: string };

const RESPONSE_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Sends a request at most once and never throws for the network's sake.
 *
 * A body is given to `fetch` as a stream on purpose: `fetch` repeats a request by itself after a 421 (Fetch standard,
 * "HTTP-network-or-cache fetch") when it has the body's source at hand, and a stream has none. Redirects are answers.
 */
export async function sendOnce(transport: Transport, request: HttpRequest): Promise<HttpAnswer> {
  const signal = AbortSignal.timeout(request.timeoutMs);
  let response: Response;
  try {
    response = await transport(request.url, {
      method: request.method,
      redirect: "manual",
      signal,
      ...(request.body === null ? { headers: request.headers } : streamed(request.body, request.headers)),
    });
  } catch (error) {
    const message = networkMessage(error, request);
    return neverConnected(error) ? { kind: "not-sent", message } : { kind: "lost", message };
  }
  const text = await cappedText(response, request.responseBytesMax ?? RESPONSE_BYTES_MAX);
  return { kind: "answered", status: response.status, headers: response.headers, text };
}

/** Reads a JSON text by a loose schema (unknown fields are dropped); undefined when it is not what was expected. */
export function readJson<T>(schema: z.ZodType<T>, text: string | null): T | undefined {
  if (text === null) return undefined;
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/**
 * A text from outside made fit for a message: bearer tokens and the given secrets (a token, a prompt) are blanked out,
 * line breaks become spaces, and it ends after 300 characters.
 */
export function redact(text: string, secrets: readonly string[]): string {
  let clean = text.replace(/\b(bearer|token|basic)\s+[\w.~+/=-]{6,}/gi, "$1 [redacted]");
  for (const secret of secrets) if (secret.length > 3) clean = clean.replaceAll(secret, "[redacted]");
  clean = clean.replace(/\s+/g, " ").trim();
  return clean.length > 300 ? `${clean.slice(0, 299)}…` : clean;
}

function streamed(body: string, headers: Readonly<Record<string, string>>): RequestInit {
  const bytes = new TextEncoder().encode(body);
  const stream = new ReadableStream({
    start(controller) {
      controller.enqueue(bytes);
      controller.close();
    },
  });
  return {
    body: stream,
    headers: { ...headers, "content-length": String(bytes.byteLength) },
    duplex: "half",
  };
}

async function cappedText(response: Response, bytesMax: number): Promise<string | null> {
  if (response.body === null) return "";
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body) {
      bytes += chunk.byteLength;
      if (bytes > bytesMax) return null;
      chunks.push(chunk);
    }
  } catch {
    return null;
  }
  return Buffer.concat(chunks).toString("utf8");
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
function neverConnected(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(neverConnected);
  if (!(error instanceof Error)) return false;
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (syscall === "connect" || syscall === "getaddrinfo") return true;
  if (code === "UND_ERR_CONNECT_TIMEOUT" || (code !== undefined && CERTIFICATE_CODES.has(code))) return true;
  return error.cause !== undefined && neverConnected(error.cause);
}

function networkMessage(error: unknown, request: HttpRequest): string {
  const where = `${request.method} ${new URL(request.url).host}`;
  if (error instanceof Error && (error.name === "TimeoutError" || error.name === "AbortError")) {
    return `${where} took longer than ${request.timeoutMs} ms.`;
  }
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined;
  return `${where} failed on the network${code === undefined ? "" : ` (${code})`}.`;
}
