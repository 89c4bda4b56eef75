/**
 * @module How a route is declared: `declared` adds to a route's own words what every route has, from its scope and the shape of its
 * request: the check of the token, the reading of the body, the scheme of the document, and the problems that can come of them.
 */
import type { Scope } from "@atelier/core/caller";
import { ERRORS } from "@atelier/core/error-table";
import type { ErrorName } from "@atelier/core/errors";
import type { RouteConfig } from "@hono/zod-openapi";
import { jsonBody } from "./body.ts";
import { gate } from "./gate.ts";
import { PROBLEM_TYPE, problemSchema } from "./problem.ts";

/** The name of the security scheme in the document. */
export const BEARER_SCHEME = "bearer";

export type Declaration<P extends string> = Omit<RouteConfig, "path" | "security" | "middleware" | "hide"> & {
  readonly path: P;
  /** For the names of functions in clients: `listImages`. */
  readonly operationId: string;
  /** One: images, requests, ... */
  readonly tags: string[];
  /** A few words. */
  readonly summary: string;
  /** Null: no token is needed. */
  readonly scope: Scope | null;
  /** What the route itself throws, beyond what follows from scope and request. */
  readonly problems: readonly ErrorName[];
};

/**
 * Handlers return the answers that `responses` lists and throw `AtelierError` for everything else.
 *
 * @example
 * const getImage = declared({ method: "get", path: "/v1/images/{id}", operationId: "getImage", scope: "images:read", ... });
 * app.openapi(getImage, async (c) => c.json(document, 200));
 */
export function declared<P extends string, R extends Declaration<P>>({
  scope,
  problems,
  ...route
}: R & { path: P }): Omit<R, "scope" | "problems"> {
  const names = [...new Set([...impliedProblems(scope, route.request), ...problems])];
  const complete = {
    ...route,
    ...(scope === null ? { security: [] } : { security: [{ [BEARER_SCHEME]: [scope] }] }),
    middleware: [gate(scope), ...(route.request?.body ? [jsonBody] : [])],
    responses: { ...route.responses, ...problemResponses(names) },
  };
  // Problems are thrown, not returned: for the types of handlers they are none of the answers.
  return complete as unknown as Omit<R, "scope" | "problems">;
}

function impliedProblems(scope: Scope | null, request: RouteConfig["request"]): ErrorName[] {
  return [
    "WrongHost",
    "Forbidden",
    ...(scope === null ? [] : (["Unauthenticated", "RateLimited"] as const)),
    ...(request?.query || request?.headers || request?.body ? (["Malformed"] as const) : []),
    ...(request?.params ? (["UnknownName"] as const) : []),
    ...(request?.body ? (["BodyTooLarge", "UnsupportedMedia"] as const) : []),
    "Unexpected",
    "StorageUnavailable",
  ];
}

function problemResponses(names: readonly ErrorName[]): RouteConfig["responses"] {
  const statuses = [...new Set(names.map((name) => ERRORS[name].httpStatus))].sort(
    (one, other) => one - other,
  );
  return Object.fromEntries(
    statuses.map((status) => {
      const here = names.filter((name) => ERRORS[name].httpStatus === status);
      return [
        status,
        {
          description: here.map((name) => `\`${name}\`: ${ERRORS[name].meaning}`).join("\n\n"),
          content: { [PROBLEM_TYPE]: { schema: problemSchema } },
        },
      ];
    }),
  );
}
