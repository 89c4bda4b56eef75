/** @module Receives webhooks on this machine: a small HTTP server in front of `core/webhook`. */
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { failureOf } from "@atelier/core/turns";
import { readWebhookPath, receiveWebhook, WEBHOOK_BYTES_MAX, type WebhookDeps } from "@atelier/core/webhook";
import { createServer } from "@atelier/providers/node-http";

export interface WebhookServer {
  /** `http://127.0.0.1:{port}` */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * @param port 0 for any
 * @param deps.onFault told of a notification that could not be taken in; whoever sent it is asked to send it again
 */
export async function openWebhookServer(
  port: number,
  deps: WebhookDeps & { readonly onFault: (error: unknown) => void },
): Promise<WebhookServer> {
  const server = createServer(async (request, response) => {
    const answer = await answerTo(request, deps).catch((error: unknown) => {
      // A sender who hung up has nothing to tell.
      if (!request.destroyed || request.complete) deps.onFault(failureOf("webhook", error));
      return { status: 500, message: "Try again." };
    });
    response.writeHead(answer.status, { "content-type": "text/plain; charset=utf-8" }).end(answer.message);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  // Listening for webhooks is no reason to stay alive.
  server.unref();
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answerTo(
  request: IncomingMessage,
  deps: WebhookDeps,
): Promise<{ status: number; message: string }> {
  const named = readWebhookPath(request.url ?? "");
  if (request.method !== "POST" || !named) return { status: 404, message: "There is nothing here." };
  const rawBody = await bodyOf(request);
  if (!rawBody) return { status: 413, message: "The body is too large." };
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(" ") : value,
    ]),
  );
  return receiveWebhook({ ...named, headers, rawBody }, deps);
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > WEBHOOK_BYTES_MAX) return null;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}
