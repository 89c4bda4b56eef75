/** @module The API on this machine's loopback address, and nowhere else. */
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { createApi } from "@atelier/api/app";
import type { ApiDeps } from "@atelier/api/deps";
import { AtelierError } from "@atelier/core/errors";
import { createServer } from "@atelier/providers/node-http";
import { getRequestListener } from "@hono/node-server";
import { faultCode } from "./storage-fault.ts";

/** Never all interfaces: the token is the only lock. */
const LOOPBACK = "127.0.0.1";

/** A client that sends its headers or its body slower than this is let go. */
const HEADERS_WITHIN_MS = 10_000;
const BODY_WITHIN_MS = 60_000;

/** Answers under way have so long to end; streams would never. */
const ANSWERS_WITHIN_MS = 1_000;

export interface ApiServer {
  /** `http://127.0.0.1:{port}` */
  readonly url: string;
  /** Accepts nothing further, lets answers end for a second, and ends streams. */
  close(): Promise<void>;
}

/**
 * @param port 0 for any
 * @throws AtelierError `UsageError` for a port that is in use or may not be had
 */
export async function openApiServer(port: number, deps: ApiDeps): Promise<ApiServer> {
  const server = createServer({
    headersTimeout: HEADERS_WITHIN_MS,
    requestTimeout: BODY_WITHIN_MS,
    connectionsCheckingInterval: HEADERS_WITHIN_MS / 2,
  });
  await listen(server, port);
  const own = (server.address() as AddressInfo).port;
  const url = `http://${LOOPBACK}:${own}`;
  const hosts = [`${LOOPBACK}:${own}`, `localhost:${own}`];
  const app = createApi(deps, {
    baseUrl: url,
    allowedOrigins: hosts.map((host) => `http://${host}`),
    hosts,
    streams: true,
  });
  server.on(
    "request",
    // Globals stay Node's own: other parts of the process use them.
    getRequestListener((request) => app.fetch(request), {
      hostname: `${LOOPBACK}:${own}`,
      overrideGlobalObjects: false,
      // What cannot be read as an address (`/..\\x`) never reaches the app: it is where nothing is.
      errorHandler: () => app.fetch(new Request(url)),
    }),
  );
  return { url, close: () => close(server) };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(refused(error, port)));
    server.listen({ port, host: LOOPBACK }, resolve);
  });
}

function refused(error: unknown, port: number): unknown {
  const instead = "give another one with --port, or 0 for any";
  switch (faultCode(error)) {
    case "EADDRINUSE":
      return new AtelierError("UsageError", `Port ${port} is in use; ${instead}.`, { cause: error });
    case "EACCES":
      return new AtelierError("UsageError", `Port ${port} needs rights that you do not have; ${instead}.`, {
        cause: error,
      });
    default:
      return error;
  }
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const given = new AbortController();
  const patience = wait(ANSWERS_WITHIN_MS, undefined, { signal: given.signal }).then(
    () => server.closeAllConnections(),
    () => undefined,
  );
  server.closeIdleConnections();
  await closed;
  given.abort();
  await patience;
}
