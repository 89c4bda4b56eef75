/**
 * @module The DynamoDB client of a data folder: its requests survive the death of whoever serves the database.
 *
 * It takes the commands of the AWS SDK and speaks DynamoDB's JSON itself: signing, endpoint rules, retries and schemas of the SDK's
 * own client were two thirds of what a local read costs, and there is nobody here to sign for.
 */
import type { IncomingMessage } from "node:http";
import { AtelierError, isErrorName } from "@atelier/core/errors";
import { httpRequest } from "@atelier/providers/node-http";
import { ConditionalCheckFailedException, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { FAULT_HEADER } from "./dynalite.ts";
import type { Connection } from "./engine-connection.ts";
import { faultCode } from "./storage-fault.ts";

/** One death of a host costs one; a request that meets more is at fault itself. */
const SENDS_MAX = 8;
const ANSWER_WITHIN_MS = 30_000;

/** The part of the SDK's client that is used here. Items hold no binary values. */
export type EngineClient = Pick<DynamoDBClient, "send">;

export interface Connections {
  /** The connection in force, made anew if there is none. */
  current(): Promise<Connection>;
  /** Says that a connection no longer carries requests; returns when it is out of force. */
  drop(connection: Connection): Promise<void>;
}

interface Answer {
  readonly statusCode: number;
  readonly fault: string | undefined;
  readonly text: string;
}

/**
 * A request whose answer was lost is sent again, to whoever serves the folder then. So a write may be applied twice,
 * as with DynamoDB itself; callers make their changes recognisable (see `Records` in core/ports.ts).
 *
 * @param withinMs for each answer, waiting for a socket included; default: 30 seconds
 * @throws AtelierError (from its commands) `StorageFull`, `FolderUnusable`, `StorageUnavailable`; the SDK's
 *   `ConditionalCheckFailedException`, and other refusals by DynamoDB's name
 */
export function createEngineClient(connections: Connections, withinMs = ANSWER_WITHIN_MS): EngineClient {
  async function send(command: { readonly input: unknown }): Promise<unknown> {
    const operation = command.constructor.name.replace(/Command$/, "");
    const answer = await answerTo(operation, JSON.stringify(command.input));
    const body: unknown = JSON.parse(answer.text);
    if (answer.fault !== undefined) throw storeFault(answer.fault, body);
    if (answer.statusCode !== 200) throw refusal(answer.statusCode, body);
    return body;
  }

  async function answerTo(operation: string, body: string): Promise<Answer> {
    for (let sends = 1; ; sends++) {
      const connection = await connections.current();
      try {
        return await post(connection, operation, body, withinMs);
      } catch (error) {
        if (faultCode(error) === "ETIMEDOUT") {
          throw unavailable(`did not answer within ${withinMs / 1000} seconds`, error);
        }
        if (!isConnectionFault(error)) throw error;
        if (sends === SENDS_MAX) throw unavailable(`broke off ${SENDS_MAX} times at one request`, error);
        await connections.drop(connection);
      }
    }
  }

  return { send: send as EngineClient["send"] };
}

function post(
  { agent }: Pick<Connection, "agent">,
  operation: string,
  body: string,
  withinMs: number,
): Promise<Answer> {
  return new Promise<Answer>((resolve, reject) => {
    const request = httpRequest({
      agent,
      method: "POST",
      headers: {
        "content-type": "application/x-amz-json-1.0",
        "content-length": Buffer.byteLength(body),
        "x-amz-target": `DynamoDB_20120810.${operation}`,
      },
    });
    // From now on, whether it still waits for a socket or its answer has begun.
    const patience = setTimeout(() => {
      reject(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" }));
      request.destroy();
    }, withinMs);
    request.on("response", (response) => {
      // Read here: a host may die in the middle of its answer.
      wholeAnswer(response).then(resolve, reject);
    });
    request.on("error", reject);
    request.on("close", () => clearTimeout(patience));
    request.end(body);
  });
}

async function wholeAnswer(response: IncomingMessage): Promise<Answer> {
  const chunks: Uint8Array[] = [];
  await new Promise<void>((resolve, reject) => {
    response.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    response.on("end", resolve).on("error", reject);
  });
  const fault = response.headers[FAULT_HEADER];
  return {
    statusCode: response.statusCode ?? 0,
    fault: fault === undefined ? undefined : String(fault),
    text: Buffer.concat(chunks).toString("utf8"),
  };
}

function storeFault(name: string, body: unknown): AtelierError {
  return new AtelierError(isErrorName(name) ? name : "StorageUnavailable", messageOf(body));
}

/** As the SDK's client tells it. */
function refusal(httpStatusCode: number, body: unknown): Error {
  const type = (body as { readonly __type?: unknown }).__type;
  const name = String(type).split("#").at(-1) ?? "";
  const told = { message: messageOf(body), $metadata: { httpStatusCode } };
  return name === ConditionalCheckFailedException.name
    ? new ConditionalCheckFailedException(told)
    : Object.assign(new Error(told.message), { name, $metadata: told.$metadata });
}

function messageOf(body: unknown): string {
  const { message, Message } = body as { readonly message?: unknown; readonly Message?: unknown };
  return String(message ?? Message ?? "");
}

function unavailable(what: string, cause: unknown): AtelierError {
  return new AtelierError("StorageUnavailable", `The local database ${what}.`, { cause });
}

function isConnectionFault(error: unknown): boolean {
  return ["ECONNRESET", "ECONNREFUSED", "ENOENT", "EPIPE", "ECONNABORTED"].includes(faultCode(error));
}
