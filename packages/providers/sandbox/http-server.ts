/** @module The plumbing under the sandbox: routes over node:http, bodies with a cap, problems as JSON, a clean end. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer } from "../node-http.ts";

export interface Call {
  readonly url: URL;
  readonly method: string;
  readonly headers: IncomingMessage["headers"];
  /** The whole body; null when it is over the cap. */
  readonly body: Buffer | null;
  readonly response: ServerResponse;
  /** Cuts the connection without an answer. */
  reset(): void;
}

export interface RunningServer {
  readonly origin: string;
  readonly port: number;
  close(): Promise<void>;
}

const BODY_BYTES_MAX = 1024 * 1024;

/** @throws the system's error, with its `code`, when the port cannot be had */
export async function serve(
  host: string,
  port: number,
  handle: (call: Call) => Promise<void>,
  onError: (error: unknown) => void,
): Promise<RunningServer> {
  const server = createServer(async (incoming, response) => {
    try {
      const call: Call = {
        url: new URL(incoming.url ?? "/", "http://sandbox"),
        method: incoming.method ?? "GET",
        headers: incoming.headers,
        body: await bodyOf(incoming),
        response,
        reset: () => incoming.socket.resetAndDestroy(),
      };
      await handle(call);
    } catch (error) {
      // Whoever hangs up in the middle of a request is no fault of ours.
      if (!incoming.complete) return;
      onError(error);
      if (response.headersSent) response.destroy();
      else sendProblem(response, 500, "Internal error", "The sandbox failed; its host knows why.");
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const bound = server.address() as AddressInfo;
  return {
    origin: `http://${host.includes(":") ? `[${host}]` : host}:${bound.port}`,
    port: bound.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

/** RFC 9457, with Replicate's fields. */
export function sendProblem(
  response: ServerResponse,
  status: number,
  title: string,
  detail: string,
  more: Record<string, unknown> = {},
): void {
  response
    .writeHead(status, { "content-type": "application/problem+json" })
    .end(JSON.stringify({ title, detail, status, ...more }));
}

async function bodyOf(incoming: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming) {
    bytes += chunk.length;
    if (bytes <= BODY_BYTES_MAX) chunks.push(chunk);
  }
  return bytes <= BODY_BYTES_MAX ? Buffer.concat(chunks) : null;
}
