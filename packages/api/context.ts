/** @module What every handler finds on its context. */
import type { Caller } from "@atelier/core/caller";
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { ApiDeps, ApiOptions } from "./deps.ts";

export interface ApiEnv {
  Variables: {
    /** With the caller as `actor` once the token is checked. */
    deps: ApiDeps;
    options: ApiOptions;
    /** `ANONYMOUS` on routes without a scope. */
    caller: Caller;
    /** A UUID; also in the answer's `X-Request-Id` and in problems. */
    requestId: string;
  };
}
export type ApiApp = OpenAPIHono<ApiEnv>;
export type ApiContext = Context<ApiEnv>;

/** Whoever calls without a token. */
export const ANONYMOUS: Caller = { name: "anonymous", scopes: new Set(), ageAttestedUntilMs: null };
