/** @module The pictures of the sandbox: addresses that are signed and expire, bytes drawn when they are asked for. */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { ServerResponse } from "node:http";
import { crc32, deflateSync } from "node:zlib";
import type { OutputFault } from "./faults.ts";
import { sizeOf } from "./input.ts";
import type { PredictionRecord } from "./predictions.ts";
import type { InputSchema } from "./schemas.ts";

export interface DrawSpec {
  readonly width: number;
  readonly height: number;
  /** 32 bits. */
  readonly seed: number;
  readonly title: string;
  readonly lines: string[];
}
/** Draws a PNG; the same specification gives the same bytes. */
export type Draw = (spec: DrawSpec) => Promise<Uint8Array>;

/** Replicate keeps files for an hour; here the address dies, the picture can be drawn again. */
const ADDRESS_LIFE_MS = 3_600_000;

export function outputAddress(
  origin: string,
  record: PredictionRecord,
  index: number,
  key: string | Uint8Array,
  nowMs: number,
): string {
  const stale =
    record.faults.output?.kind === "output" && record.faults.output.as === "expired" && !record.outputRefused;
  const expires = stale ? nowMs - 1 : nowMs + ADDRESS_LIFE_MS;
  const path = `/files/${record.id}/${index}.png`;
  return `${origin}${path}?expires=${expires}&signature=${signatureOf(path, String(expires), key)}`;
}

/** True while the address is one that we signed and its time has not come. */
export function addressHolds(url: URL, key: string | Uint8Array, nowMs: number): boolean {
  const expires = url.searchParams.get("expires") ?? "";
  const given = Buffer.from(url.searchParams.get("signature") ?? "");
  const expected = Buffer.from(signatureOf(url.pathname, expires, key));
  return given.length === expected.length && timingSafeEqual(given, expected) && nowMs <= Number(expires);
}

function signatureOf(path: string, expires: string, key: string | Uint8Array): string {
  return createHmac("sha256", key).update(`${path}\n${expires}`).digest("hex");
}

/**
 * The picture of one output. What is drawn depends on the input alone, so the same input gives the same bytes; the prompt
 * takes part through a hash and is not written on the picture.
 */
export async function drawOutput(
  record: PredictionRecord,
  schema: InputSchema | undefined,
  index: number,
  draw: Draw,
): Promise<Uint8Array> {
  const sorted = Object.entries(record.input).sort(([one], [other]) => (one < other ? -1 : 1));
  const seed = createHash("sha256")
    .update(JSON.stringify([record.model, record.version, sorted, index]))
    .digest()
    .readUInt32BE(0);
  const [width, height] = schema === undefined ? [512, 512] : sizeOf(schema, record.input);
  return draw({
    width,
    height,
    seed,
    title: "SANDBOX",
    lines: [record.model, `seed ${String(record.input.seed ?? "none")}`, `${width} x ${height}`],
  });
}

/** Serves the picture, or what the fault makes of it. */
export async function serveOutput(
  response: ServerResponse,
  fault: OutputFault | null,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  const half = bytes.subarray(0, Math.ceil(bytes.length / 2));
  switch (fault?.as) {
    case "truncated":
      return send(response, "image/png", half);
    case "broken-off":
      response.writeHead(200, { "content-type": "image/png", "content-length": bytes.length });
      response.write(half, () => response.destroy());
      return;
    case "corrupt":
      return send(response, "image/png", corrupted(bytes));
    case "html":
      return send(
        response,
        "text/html",
        Buffer.from("<!doctype html><title>Sign in</title><p>Please sign in.</p>"),
      );
    case "mistyped":
      return send(response, "image/png", Buffer.from("GIF89a\x01\x00\x01\x00\x00\x00\x00;", "latin1"));
    case "huge-header":
      return send(response, "image/png", hugePng());
    case "redirect":
      response.writeHead(302, { location: fault.location }).end();
      return;
    case "endless":
      return stream(response, endless(bytes), signal);
    case "drip":
      return stream(response, dripping(bytes), signal);
    default:
      return send(response, "image/png", bytes);
  }
}

function send(response: ServerResponse, type: string, bytes: Uint8Array): void {
  response.writeHead(200, { "content-type": type, "content-length": bytes.length }).end(bytes);
}

async function stream(
  response: ServerResponse,
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  response.writeHead(200, { "content-type": "image/png" });
  const closed = new Promise<void>((resolve) => {
    response.once("close", () => resolve());
  });
  for await (const chunk of chunks) {
    if (response.destroyed || signal.aborted) break;
    const written = new Promise<void>((resolve) => {
      response.write(chunk, () => resolve());
    });
    await Promise.race([written, closed]);
  }
  response.end();
}

async function* endless(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
  const zeros = new Uint8Array(1024 * 1024);
  for (;;) yield zeros;
}

/** Eight bytes every ten milliseconds: a thumbnail takes minutes. */
async function* dripping(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 8) {
    yield bytes.subarray(at, at + 8);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The second half with every bit turned: the beginning looks sound. */
function corrupted(bytes: Uint8Array): Uint8Array {
  const start = Math.ceil(bytes.length / 2);
  return bytes.map((byte, index) => (index < start ? byte : byte ^ 0xff));
}

/** A PNG that says 20,000 x 20,000 in a few bytes: 1.2 GB for whoever decodes it unasked. */
function hugePng(): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(20_000, 0);
  header.writeUInt32BE(20_000, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    pngChunk("IHDR", header),
    pngChunk("IDAT", deflateSync(Buffer.alloc(60_001))),
    pngChunk("IEND", Buffer.alloc(0)),
  ]);
}

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const frame = Buffer.alloc(8 + body.length);
  frame.writeUInt32BE(data.length, 0);
  frame.set(body, 4);
  frame.writeUInt32BE(crc32(body), 4 + body.length);
  return frame;
}
