/**
 * @module The `replicate` client over a transport that sends one request and no second.
 *
 * The client answers a reset or a 429 on a create with up to five more creates, without a pause; each may be billed.
 * Therefore every call gets a client of its own whose transport remembers its one answer: repetitions stay in the process.
 */
import { AtelierError } from "@atelier/core/errors";
import Replicate from "replicate";
import { type HttpAnswer, sendOnce, type Transport } from "../http.ts";

export interface ReplicateConnection {
  /** With the version: `https://api.replicate.com/v1`. */
  readonly baseUrl: string;
  readonly token: string;
  readonly transport: Transport;
}

export interface CallOptions {
  readonly timeoutMs: number;
  /** Headers that the client has no option for, such as `Cancel-After`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Lets the client build one request and gives back what the wire answered, whatever the client makes of it.
 *
 * @throws AtelierError `Unexpected` when the client refused to build the request: then nothing was sent
 */
export async function callOnce(
  connection: ReplicateConnection,
  options: CallOptions,
  build: (client: Replicate) => Promise<unknown>,
): Promise<HttpAnswer> {
  let sent: Promise<HttpAnswer> | undefined;
  const client = new Replicate({
    auth: connection.token,
    baseUrl: connection.baseUrl,
    userAgent: "atelier",
    useFileOutput: false,
    fetch: async (address, init) => {
      sent ??= sendOnce(connection.transport, {
        method: init?.method === "POST" ? "POST" : "GET",
        url: String(address),
        headers: { ...(init?.headers as Record<string, string>), ...options.headers },
        body: typeof init?.body === "string" ? init.body : null,
        timeoutMs: options.timeoutMs,
      });
      const answer = await sent;
      if (answer.kind !== "answered") throw new Error(answer.message);
      return new Response(answer.text, { status: answer.status, headers: answer.headers });
    },
  });
  let refusal: unknown;
  await build(client).catch((error: unknown) => {
    refusal = error;
  });
  if (sent === undefined) {
    throw new AtelierError("Unexpected", "The Replicate client did not build the request.", {
      cause: refusal,
    });
  }
  return sent;
}
