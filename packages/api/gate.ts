/** @module Who may come in: the token, the caller's rate, the scope. Nothing else of the call is looked at before. */
import type { Scope } from "@atelier/core/caller";
import { AtelierError } from "@atelier/core/errors";
import type { MiddlewareHandler } from "hono";
import type { ApiContext, ApiEnv } from "./context.ts";

const BEARER = /^Bearer +([A-Za-z0-9_.~+/=-]{1,8192})$/i;

/**
 * @param scope null: anybody, without a token
 * @throws AtelierError `Unauthenticated`, `RateLimited`, `Forbidden`
 */
export function gate(scope: Scope | null): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    if (scope !== null) {
      await admit(c);
      requireScope(c, scope);
    }
    await next();
  };
}

/** Checks the token and the caller's rate, and puts the caller on the context. @throws AtelierError `Unauthenticated`, `RateLimited` */
export async function admit(c: ApiContext): Promise<void> {
  const { deps } = c.var;
  const header = c.req.header("authorization");
  if (header === undefined) throw unauthenticated("A token is missing.", 'Bearer realm="atelier"');
  const token = BEARER.exec(header)?.[1];
  const caller = token === undefined ? null : await deps.tokens.verify(token);
  if (caller === null) {
    throw unauthenticated(
      "The token is not valid here, or has expired.",
      'Bearer realm="atelier", error="invalid_token"',
    );
  }
  c.set("caller", caller);
  c.set("deps", { ...deps, actor: caller.name });
  const rate = await deps.rateLimit?.take(caller.name);
  if (rate?.ok === false) {
    throw new AtelierError("RateLimited", "You ask too often; wait as long as Retry-After says.", {
      data: { retryAfterMs: rate.retryAfterMs },
    });
  }
}

/** For what a part of a route needs beyond the route's own scope. @throws AtelierError `Forbidden` */
export function requireScope(c: ApiContext, scope: Scope): void {
  if (c.var.caller.scopes.has(scope)) return;
  throw new AtelierError("Forbidden", `The token lacks the scope ${scope}.`, {
    data: {
      headers: {
        "WWW-Authenticate": `Bearer realm="atelier", error="insufficient_scope", scope="${scope}"`,
      },
    },
  });
}

function unauthenticated(message: string, challenge: string): AtelierError {
  return new AtelierError("Unauthenticated", message, {
    data: { headers: { "WWW-Authenticate": challenge } },
  });
}
