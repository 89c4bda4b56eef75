/**
 * @module One HTTP exchange with a provider: a time-out, a cap on the answer, and a value that says what is certain about
 * the request. Nothing is sent twice here.
 */
import type * as z from "zod";

/** What the global `fetch` is; tests and callers may bring another one. */
export type Transport = (url: string, init: RequestInit) => Promise<Response>;

export interface HttpRequest {
  readonly method: "GET" | "POST" | "DELETE";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | null;
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

/** As `HttpAnswer`, with the body as it came: for providers that answer with a picture itself. */
export type HttpBytesAnswer =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly headers: Headers;
      /** Null when the body broke off, took too long or was over the cap; the status is certain all the same. */
      readonly bytes: Uint8Array | null;
    }
  | Exclude<HttpAnswer, { kind: "answered" }>;

/** As `HttpAnswer`, with the pictures of a JSON body taken out of it. */
export type HttpPicturesAnswer =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly headers: Headers;
      /** The JSON with each long base64 text replaced by `picture:0`, `picture:1`, …; null as in `HttpAnswer`. */
      readonly text: string | null;
      /** What those texts decode to, in order. */
      readonly pictures: readonly Uint8Array[];
    }
  | Exclude<HttpAnswer, { kind: "answered" }>;

const RESPONSE_BYTES_MAX = 4 * 1024 * 1024;
/** Four pictures of 2048 x 2048 as PNG. */
const PICTURE_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Sends a request at most once and never throws for the network's sake.
 *
 * A body is given to `fetch` as a stream on purpose: `fetch` repeats a request by itself after a 421 (Fetch standard,
 * "HTTP-network-or-cache fetch") when it has the body's source at hand, and a stream has none. Redirects are answers.
 */
export async function sendOnce(transport: Transport, request: HttpRequest): Promise<HttpAnswer> {
  const answer = await sendOnceForBytes(transport, { responseBytesMax: RESPONSE_BYTES_MAX, ...request });
  return answer.kind === "answered" ? { ...answer, text: textOf(answer.bytes) } : answer;
}

/** As `sendOnce`; by default up to 64 MiB. */
export async function sendOnceForBytes(
  transport: Transport,
  request: HttpRequest,
): Promise<HttpBytesAnswer> {
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
  const bytes = await cappedBytes(response, request.responseBytesMax ?? PICTURE_BYTES_MAX);
  return { kind: "answered", status: response.status, headers: response.headers, bytes };
}

/** As `sendOnce`, for JSON that carries pictures as base64; by default up to 64 MiB. */
export async function sendOnceForPictures(
  transport: Transport,
  request: HttpRequest,
): Promise<HttpPicturesAnswer> {
  const answer = await sendOnceForBytes(transport, request);
  if (answer.kind !== "answered") return answer;
  return { ...answer, ...picturesTakenOut(textOf(answer.bytes)) };
}

/** Shorter texts are left alone: no picture has so few bytes. */
const PICTURE_CHARACTERS_MIN = 256;
const BASE64 = new RegExp(`"([A-Za-z0-9+/]{${PICTURE_CHARACTERS_MIN},}={0,2})"`, "g");

function picturesTakenOut(json: string | null): { text: string | null; pictures: Uint8Array[] } {
  const pictures: Uint8Array[] = [];
  const text = json?.replace(BASE64, (_, base64: string) => {
    pictures.push(Buffer.from(base64, "base64"));
    return `"picture:${pictures.length - 1}"`;
  });
  return { text: text ?? null, pictures };
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

function streamed(body: string | Uint8Array, headers: Readonly<Record<string, string>>): RequestInit {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
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

function textOf(bytes: Uint8Array | null): string | null {
  return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}

async function cappedBytes(response: Response, bytesMax: number): Promise<Uint8Array | null> {
  if (response.body === null) return new Uint8Array();
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
  return Buffer.concat(chunks);
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
