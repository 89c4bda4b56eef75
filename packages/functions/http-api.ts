/**
 * @module Calls of an HTTP API (payload format 2.0) as Requests, and Responses as its answers. Cookies stay out: whoever calls says
 * who they are in each call.
 */
import * as z from "zod";
import { parsedEvent, type Surroundings } from "./runtime.ts";

/** Every other stage is the beginning of its paths. */
const DEFAULT_STAGE = "$default";

const callSchema = z.object({
  routeKey: z.string().default(""),
  rawPath: z.string(),
  rawQueryString: z.string().default(""),
  /** The gateway gives names in lower case and joins repeated ones by commas. */
  headers: z.record(z.string(), z.string()).default({}),
  requestContext: z.object({
    domainName: z.string(),
    stage: z.string().default(DEFAULT_STAGE),
    http: z.object({ method: z.string() }),
  }),
  body: z.string().default(""),
  isBase64Encoded: z.boolean().default(false),
});
type Call = z.output<typeof callSchema>;

export interface GatewayAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

export interface AppDeps extends Pick<Surroundings, "telemetry"> {
  readonly app: { fetch(request: Request): Response | Promise<Response> };
}

/** The log names the route, and neither path nor query: links are credentials. */
export async function answerCall(event: unknown, { app, telemetry }: AppDeps): Promise<GatewayAnswer> {
  const call = parsedEvent(callSchema, event);
  const response = await app.fetch(requestOf(call));
  telemetry.info("call", {
    route: call.routeKey,
    method: call.requestContext.http.method,
    status: response.status,
    answerId: response.headers.get("x-request-id"),
  });
  return answerOf(response);
}

function requestOf({ rawPath, rawQueryString, headers, requestContext, body, isBase64Encoded }: Call) {
  const { domainName, stage, http } = requestContext;
  const url = new URL(`https://${domainName}`);
  url.pathname =
    stage !== DEFAULT_STAGE && rawPath.startsWith(`/${stage}/`) ? rawPath.slice(stage.length + 1) : rawPath;
  url.search = rawQueryString;
  const sent = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    // As Node reads them from the wire: one character for each byte.
    if (name !== "cookie") sent.set(name, Buffer.from(value).toString("latin1"));
  }
  if (http.method === "GET" || http.method === "HEAD")
    return new Request(url, { method: http.method, headers: sent });
  const bytes = Buffer.from(body, isBase64Encoded ? "base64" : "utf8");
  if (bytes.byteLength > 0) sent.set("content-length", String(bytes.byteLength));
  return new Request(url, {
    method: http.method,
    headers: sent,
    ...(bytes.byteLength > 0 && { body: new Uint8Array(bytes) }),
  });
}

const TEXT = /^text\/|[/+]json\b/;

async function answerOf(response: Response): Promise<GatewayAnswer> {
  const headers = Object.fromEntries(response.headers);
  const bytes = Buffer.from(await response.arrayBuffer());
  const isText = bytes.byteLength === 0 || TEXT.test(headers["content-type"] ?? "");
  return {
    statusCode: response.status,
    headers,
    body: bytes.toString(isText ? "utf8" : "base64"),
    isBase64Encoded: !isText,
  };
}
