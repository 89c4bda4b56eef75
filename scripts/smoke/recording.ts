/** @module Exchanges as they went over the wire, without anything that is somebody's: for test/fixtures/exchanges. */
import type { Transport } from "@atelier/providers/http";
import type { Exchange } from "./redaction.ts";

/** As seen on the wire; never written as it is. */
export interface RawExchange extends Exchange {
  readonly answer: {
    readonly status: number;
    readonly headers: Record<string, string>;
    readonly body: Buffer;
  } | null;
}

/** Passes everything on and keeps a copy of it. */
export function recorded(transport: Transport, exchanges: RawExchange[]): Transport {
  return async (request) => {
    const chunks: Uint8Array[] = [];
    const { method, url, headers, body } = request;
    const sent = { method, url, headers, body: typeof body === "string" ? body : null };
    try {
      const answer = await transport({
        ...request,
        receive(chunk) {
          chunks.push(Uint8Array.from(chunk));
          return request.receive(chunk);
        },
      });
      exchanges.push({
        request: sent,
        answer: {
          status: answer.status,
          headers: Object.fromEntries(answer.headers),
          body: Buffer.concat(chunks),
        },
      });
      return answer;
    } catch (error) {
      exchanges.push({ request: sent, answer: null });
      throw error;
    }
  };
}
