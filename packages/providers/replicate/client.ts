/**
 * @module The `replicate` client as what builds requests, and nothing more.
 *
 * The client answers a reset or a 429 on a create with up to five more creates, without a pause; each may be billed.
 * Therefore it never sees the wire: its `fetch` hands back the request that it was given, and we send that once.
 */
import { AtelierError } from "@atelier/core/errors";
import Replicate from "replicate";

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

export interface ClientRequest {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

/** @throws AtelierError `Unexpected` when the client refused to build the request */
export async function buildRequest(
  client: Replicate,
  build: (client: Replicate) => Promise<unknown>,
): Promise<ClientRequest> {
  const built = await build(client).catch((cause: unknown) => cause);
  if (!(built instanceof BuiltRequest)) {
    throw new AtelierError("Unexpected", "The Replicate client did not build the request.", { cause: built });
  }
  const { method, body, headers } = built.init;
  return {
    method: method === "POST" ? "POST" : "GET",
    url: built.url,
    headers: headers as Record<string, string>,
    body: typeof body === "string" ? body : null,
  };
}
