/** @module The DynamoDB client of a data folder: its requests survive the death of whoever serves the database. */

import { AtelierError, isErrorName } from "@atelier/core/errors";
import { DynamoDBClient, type DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { FAULT_HEADER } from "./dynalite.ts";
import type { Connection } from "./engine-connection.ts";
import { faultCode } from "./storage-fault.ts";

type HttpRequest = Parameters<NodeHttpHandler["handle"]>[0];
type HandlerOptions = Parameters<NodeHttpHandler["handle"]>[1];
type HandlerOutput = Awaited<ReturnType<NodeHttpHandler["handle"]>>;

/** One death of a host costs one; a request that meets more is at fault itself. */
const SENDS_MAX = 8;
const ANSWER_WITHIN_MS = 30_000;

/** Without functions: the client's own silent logger is handed a copy of every request and answer, a fifth of their cost. */
const SILENT = {} as NonNullable<DynamoDBClientConfig["logger"]>;

export interface Connections {
  /** The connection in force, made anew if there is none. */
  current(): Promise<Connection>;
  /** Says that a connection no longer carries requests; returns when it is out of force. */
  drop(connection: Connection): Promise<void>;
}

/**
 * A request whose answer was lost is sent again, to whoever serves the folder then. So a write may be applied twice,
 * as with DynamoDB itself; callers make their changes recognisable (see `Records` in core/ports.ts).
 *
 * @throws AtelierError (from its commands) `StorageFull`, `FolderUnusable`, `StorageUnavailable`
 */
export function createEngineClient(connections: Connections): DynamoDBClient {
  const handlers = new WeakMap<Connection, NodeHttpHandler>();

  async function handle(request: HttpRequest, options?: HandlerOptions): Promise<HandlerOutput> {
    for (let sends = 1; ; sends++) {
      const connection = await connections.current();
      try {
        const output = await handlerOf(connection).handle(request, options);
        // Read here: a host may die in the middle of its answer.
        const body = await bytesOf(output.response.body);
        throwFault(output.response.headers, body);
        return { response: Object.assign(output.response, { body }) };
      } catch (error) {
        if (faultCode(error) === "ETIMEDOUT") {
          throw unavailable(`did not answer within ${ANSWER_WITHIN_MS / 1000} seconds`, error);
        }
        if (!isConnectionFault(error)) throw error;
        if (sends === SENDS_MAX) throw unavailable(`broke off ${SENDS_MAX} times at one request`, error);
        await connections.drop(connection);
      }
    }
  }

  function handlerOf(connection: Connection): NodeHttpHandler {
    const known = handlers.get(connection);
    if (known) return known;
    const made = new NodeHttpHandler({
      httpAgent: connection.agent,
      requestTimeout: ANSWER_WITHIN_MS,
      throwOnRequestTimeout: true,
    });
    handlers.set(connection, made);
    return made;
  }

  return new DynamoDBClient({
    endpoint: "http://localhost",
    region: "local",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
    // Given, so that nothing in the shell or in ~/.aws changes how a local folder is read.
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    accountIdEndpointMode: "disabled",
    logger: SILENT,
    maxAttempts: 1,
    requestHandler: {
      handle,
      updateHttpClientConfig() {},
      httpHandlerConfigs: () => ({}),
    },
  });
}

function throwFault(headers: Record<string, string>, body: Uint8Array): void {
  const name = headers[FAULT_HEADER];
  if (name === undefined) return;
  const { message } = JSON.parse(Buffer.from(body).toString("utf8")) as { message: string };
  throw new AtelierError(isErrorName(name) ? name : "StorageUnavailable", message);
}

function unavailable(what: string, cause: unknown): AtelierError {
  return new AtelierError("StorageUnavailable", `The local database ${what}.`, { cause });
}

async function bytesOf(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function isConnectionFault(error: unknown): boolean {
  return ["ECONNRESET", "ECONNREFUSED", "ENOENT", "EPIPE", "ECONNABORTED"].includes(faultCode(error));
}
