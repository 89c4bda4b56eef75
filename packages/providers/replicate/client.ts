/**
 * @module The `replicate` client as what builds requests, and nothing more.
 *
 * The client answers a reset or a 429 on a create with up to five more creates, without a pause; each may be billed.
 * Therefore it never sees the wire: its `fetch` hands back the request that it was given, and we send that once.
 */
import { AtelierError } from "@atelier/core/errors";
import Replicate from "replicate";
import { type HttpAnswer, sendOnce, type Transport } from "../http.ts";

export interface ReplicateConnection {
  readonly client: Replicate;
  readonly transport: Transport;
}

export interface CallOptions {
  readonly timeoutMs: number;
  /** Headers that the client has no option for, such as `Cancel-After`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What the client takes for a response, and gives back as the parsed body of one. */
class BuiltRequest {
  readonly ok = true;
  readonly url: string;
  readonly init: RequestInit;

  constructor(url: string, init: RequestInit) {
    this.url = url;
    this.init = init;
  }

  async json(): Promise<this> {
    return this;
  }
}

/**
 * @param settings.baseUrl with the version: `https://api.replicate.com/v1`
 * @param settings.token never empty: the client would look into the environment for one
 */
export function openClient(settings: { readonly baseUrl: string; readonly token: string }): Replicate {
  return new Replicate({
    auth: settings.token,
    baseUrl: settings.baseUrl,
    userAgent: "atelier",
    useFileOutput: false,
    fetch: async (address, init = {}) => new BuiltRequest(String(address), init) as unknown as Response,
  });
}

/**
 * Lets the client build one request, sends it once and gives back what the wire answered.
 *
 * @throws AtelierError `Unexpected` when the client refused to build the request: then nothing was sent
 */
export async function callOnce(
  { client, transport }: ReplicateConnection,
  { timeoutMs, headers }: CallOptions,
  build: (client: Replicate) => Promise<unknown>,
): Promise<HttpAnswer> {
  const built = await build(client).catch((cause: unknown) => cause);
  if (!(built instanceof BuiltRequest)) {
    throw new AtelierError("Unexpected", "The Replicate client did not build the request.", { cause: built });
  }
  const { method, body, headers: own } = built.init;
  return sendOnce(transport, {
    method: method === "POST" ? "POST" : "GET",
    url: built.url,
    headers: { ...(own as Record<string, string>), ...headers },
    body: typeof body === "string" ? body : null,
    timeoutMs,
  });
}
