/** @module What every call passes before any route and every answer after it: host, origin, methods, and the headers of answers. */
import { AtelierError } from "@atelier/core/errors";
import type { MiddlewareHandler } from "hono";
import type { ApiContext, ApiEnv } from "./context.ts";
import type { ApiOptions } from "./deps.ts";
import { problemAnswer } from "./problem.ts";

/** Headers of answers that scripts of another origin may read, and of calls that they may send. */
const EXPOSED = "ETag, Link, Location, Retry-After, WWW-Authenticate, X-Request-Id";
const ACCEPTED = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID";
const PREFLIGHT_SECONDS = 600;

/** Nothing of ours runs scripts, is framed, or is guessed at. Routes may say otherwise. */
const ANSWER_HEADERS: Readonly<Record<string, string>> = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Cross-Origin-Resource-Policy": "same-site",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
};

/** Methods that a path has; empty for a path that is not ours. */
export type MethodsOf = (path: string) => readonly string[];

export function boundary(methodsOf: MethodsOf): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    try {
      checkHost(c);
      checkOrigin(c);
      if (c.req.method === "OPTIONS") c.res = optionsAnswer(c, methodsOf(c.req.path));
      else await next();
    } catch (thrown) {
      c.res = problemAnswer(thrown, c);
    }
    const { headers } = c.res;
    for (const [name, value] of Object.entries(ANSWER_HEADERS))
      if (!headers.has(name)) headers.set(name, value);
    headers.set("X-Request-Id", c.var.requestId);
    allowOrigin(c, headers);
  };
}

/** For what no route answers. @throws AtelierError `MethodNotAllowed`, `UnknownName` */
export function refuseUnrouted(c: ApiContext, methodsOf: MethodsOf): never {
  const methods = methodsOf(c.req.path);
  if (methods.length === 0) throw new AtelierError("UnknownName", "There is nothing at this address.");
  const allowed = methods.join(", ");
  throw new AtelierError("MethodNotAllowed", `This address takes ${allowed}.`, {
    data: { headers: { Allow: allowed } },
  });
}

/** @param routes as declared: `/v1/images/:id` */
export function methodsByPath(
  routes: readonly { readonly path: string; readonly method: string }[],
): MethodsOf {
  const methods = new Map<string, Set<string>>();
  for (const { path, method } of routes) {
    if (method !== "ALL") methods.set(path, (methods.get(path) ?? new Set()).add(method));
  }
  const shapes = [...methods].map(([path, found]) => ({
    shape: new RegExp(`^${path.replaceAll(".", "\\.").replaceAll(/:[^/]+/g, "[^/]+")}$`),
    found,
  }));
  return (path) => {
    const found = new Set(shapes.filter(({ shape }) => shape.test(path)).flatMap((each) => [...each.found]));
    if (found.size === 0) return [];
    return [...found, ...(found.has("GET") ? ["HEAD"] : []), "OPTIONS"].sort();
  };
}

/** Against a page that points a name of its own at this machine. */
function checkHost(c: ApiContext): void {
  const { hosts } = c.var.options;
  const host = c.req.header("host") ?? new URL(c.req.url).host;
  if (hosts === null || hosts.includes(host.toLowerCase())) return;
  throw new AtelierError("WrongHost", "This is not a host that the API answers for.");
}

function checkOrigin(c: ApiContext): void {
  const origin = c.req.header("origin");
  if (origin === undefined || isOwn(origin, c.var.options) || isAllowed(origin, c.var.options)) return;
  throw new AtelierError(
    "Forbidden",
    "Pages of this origin may not call the API; the operator can allow it.",
  );
}

function isOwn(origin: string, { baseUrl }: ApiOptions): boolean {
  return origin === new URL(baseUrl).origin;
}

function isAllowed(origin: string, { allowedOrigins }: ApiOptions): boolean {
  return allowedOrigins.includes(origin);
}

function allowOrigin(c: ApiContext, headers: Headers): void {
  if (c.var.options.allowedOrigins.length > 0) headers.append("Vary", "Origin");
  const origin = c.req.header("origin");
  if (origin === undefined || !isAllowed(origin, c.var.options)) return;
  headers.set("Access-Control-Allow-Origin", origin);
  headers.set("Access-Control-Expose-Headers", EXPOSED);
}

function optionsAnswer(c: ApiContext, methods: readonly string[]): Response {
  if (methods.length === 0) throw new AtelierError("UnknownName", "There is nothing at this address.");
  const allowed = methods.join(", ");
  const isPreflight = c.req.header("access-control-request-method") !== undefined;
  return new Response(null, {
    status: 204,
    headers: {
      Allow: allowed,
      ...(isPreflight && {
        "Access-Control-Allow-Methods": allowed,
        "Access-Control-Allow-Headers": ACCEPTED,
        "Access-Control-Max-Age": String(PREFLIGHT_SECONDS),
      }),
    },
  });
}
