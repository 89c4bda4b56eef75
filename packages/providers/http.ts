/**
 * @module One HTTP exchange with a provider: a time-out, a cap on the answer, and a value that says what is certain about
 * the request. A transport sends it (`pool.ts`, `fetch-transport.ts`); nothing is sent twice.
 */
import type * as z from "zod";
import { createPictureText } from "./picture-text.ts";

export interface WireRequest {
  readonly method: "GET" | "POST" | "DELETE";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | null;
  /** For the whole exchange, connecting and the answer's body included. */
  readonly timeoutMs: number;
  /** Told once, before the body. */
  begin(headers: Headers): void;
  /** Given each piece of the answer's body as it comes; false: no more is wanted. The piece is the receiver's to keep. */
  receive(chunk: Uint8Array): boolean;
}

export interface WireAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** False when the body broke off, took too long or was not wanted to its end. */
  readonly whole: boolean;
}

/**
 * Redirects are answers. Never sends a request twice, whatever the server or the connection does.
 *
 * @throws NotSentError when provably no byte of the request left; anything else when its answer's head did not arrive
 */
export type Transport = (request: WireRequest) => Promise<WireAnswer>;

/** The connection never came about. */
export class NotSentError extends Error {
  constructor(cause: unknown) {
    super("The request was not sent.", { cause });
    this.name = "NotSentError";
  }
}

export interface HttpRequest extends Omit<WireRequest, "begin" | "receive"> {
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

/** Sends a request at most once and never throws for the network's sake. Redirects are answers. */
export async function sendOnce(transport: Transport, request: HttpRequest): Promise<HttpAnswer> {
  const chunks: Uint8Array[] = [];
  const head = await exchange(transport, request, RESPONSE_BYTES_MAX, (chunk) => chunks.push(chunk));
  if (head.kind !== "answered") return head;
  const { whole, ...answer } = head;
  return { ...answer, text: whole ? Buffer.concat(chunks).toString("utf8") : null };
}

/** As `sendOnce`; by default up to 64 MiB. */
export async function sendOnceForBytes(transport: Transport, request: HttpRequest): Promise<HttpBytesAnswer> {
  const chunks: Uint8Array[] = [];
  const head = await exchange(transport, request, PICTURE_BYTES_MAX, (chunk) => chunks.push(chunk));
  if (head.kind !== "answered") return head;
  const { whole, ...answer } = head;
  return { ...answer, bytes: whole ? Buffer.concat(chunks) : null };
}

/** As `sendOnce`, for JSON that carries pictures as base64; by default up to 64 MiB of text. */
export async function sendOnceForPictures(
  transport: Transport,
  request: HttpRequest,
): Promise<HttpPicturesAnswer> {
  const reader = createPictureText();
  const { responseBytesMax: bytesMax = PICTURE_BYTES_MAX } = request;
  const head = await exchange(transport, request, bytesMax, reader.push, (headers) => {
    const announced = Number(headers.get("content-length"));
    // More than that is not read, whatever was announced.
    if (announced > 0) reader.expect(Math.min(announced, bytesMax));
  });
  if (head.kind !== "answered") return head;
  const { whole, ...answer } = head;
  return { ...answer, ...(whole ? reader.end() : { text: null, pictures: [] }) };
}

type Head =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly headers: Headers;
      /** Whether the body came to its end, below the cap. */
      readonly whole: boolean;
    }
  | Exclude<HttpAnswer, { kind: "answered" }>;

async function exchange(
  transport: Transport,
  request: HttpRequest,
  bytesMaxDefault: number,
  take: (chunk: Uint8Array) => void,
  begin: (headers: Headers) => void = () => undefined,
): Promise<Head> {
  const { responseBytesMax: bytesMax = bytesMaxDefault, ...wire } = request;
  let bytes = 0;
  const receive = (chunk: Uint8Array) => {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) return false;
    take(chunk);
    return true;
  };
  try {
    const answer = await transport({ ...wire, begin, receive });
    return { kind: "answered", ...answer };
  } catch (error) {
    if (error instanceof NotSentError) {
      return { kind: "not-sent", message: networkMessage(error.cause, request) };
    }
    return { kind: "lost", message: networkMessage(error, request) };
  }
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
 * A text from outside made fit for a message: bearer tokens and the given secrets (a token, a prompt) are blanked out, so is
 * every part of a prompt that was quoted, line breaks become spaces, and it ends after 300 characters.
 */
export function redact(text: string, secrets: readonly string[]): string {
  let clean = text.replace(/\b(bearer|token|basic)\s+[\w.~+/=-]{6,}/gi, "$1 [redacted]");
  for (const secret of secrets) if (secret.length > 3) clean = clean.replaceAll(secret, "[redacted]");
  clean = withoutRuns(clean, secrets).replace(/\s+/g, " ").trim();
  return clean.length > 300 ? `${clean.slice(0, 299)}…` : clean;
}

/** So many words after each other are a quotation; fewer may be anybody's. */
const RUN_WORDS = 3;

/** Blanks runs of words that stand in a secret as well, whatever stands between them: providers quote half a prompt, or wrap it. */
function withoutRuns(text: string, secrets: readonly string[]): string {
  const runs = new Set<string>();
  for (const secret of secrets) {
    const words = wordsIn(secret).map(({ word }) => word);
    for (let at = 0; at + RUN_WORDS <= words.length; at++)
      runs.add(words.slice(at, at + RUN_WORDS).join(" "));
  }
  if (runs.size === 0) return text;
  const words = wordsIn(text);
  const spans: { from: number; to: number }[] = [];
  for (let at = 0; at + RUN_WORDS <= words.length; at++) {
    const run = words.slice(at, at + RUN_WORDS);
    const [first, last] = [run[0], run.at(-1)];
    if (!first || !last || !runs.has(run.map(({ word }) => word).join(" "))) continue;
    const before = spans.at(-1);
    if (before && first.from <= before.to) before.to = last.to;
    else spans.push({ from: first.from, to: last.to });
  }
  return spans.reduceRight(
    (clean, { from, to }) => `${clean.slice(0, from)}[redacted]${clean.slice(to)}`,
    text,
  );
}

function wordsIn(text: string): { word: string; from: number; to: number }[] {
  return [...text.matchAll(/[\p{L}\p{N}]+/gu)].map(({ 0: word, index }) => ({
    word: word.toLowerCase(),
    from: index,
    to: index + word.length,
  }));
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
