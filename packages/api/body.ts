/** @module Reading a body: of the right type, of bounded size, strictly; before it no handler sees a byte. */
import { AtelierError } from "@atelier/core/errors";
import type { MiddlewareHandler } from "hono";
import type { ApiContext, ApiEnv } from "./context.ts";
import { strictJson } from "./strict-json.ts";

/** Of a whole body; the longest that is asked for, a prompt with its negative, is 4,000 characters. */
export const BODY_BYTES_MAX = 256 * 1024;

const JSON_TYPE = /^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i;

/**
 * For routes that take JSON. Runs after the token was checked and before validation.
 *
 * @throws AtelierError `UnsupportedMedia`, `BodyTooLarge`, `Malformed`
 */
export const jsonBody: MiddlewareHandler<ApiEnv> = async (c, next) => {
  const encoding = c.req.header("content-encoding");
  if (!JSON_TYPE.test(c.req.header("content-type") ?? "") || (encoding && encoding !== "identity")) {
    throw new AtelierError("UnsupportedMedia", "The body must be JSON in UTF-8, sent as application/json.");
  }
  const body = strictJson(await boundedBytes(c));
  // What validation reads.
  c.req.json = async <T>() => body as T;
  await next();
};

async function boundedBytes(c: ApiContext): Promise<Uint8Array> {
  if (Number(c.req.header("content-length") ?? 0) > BODY_BYTES_MAX) throw tooLarge();
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  // The length that was announced may be a lie, or missing.
  for await (const piece of c.req.raw.body ?? []) {
    bytes += piece.byteLength;
    if (bytes > BODY_BYTES_MAX) throw tooLarge();
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function tooLarge(): AtelierError {
  return new AtelierError("BodyTooLarge", `The body is larger than ${BODY_BYTES_MAX / 1024} kB.`);
}
