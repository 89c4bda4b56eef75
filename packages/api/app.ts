/** @module The API: Request in, Response out. The same app runs behind API Gateway, in `atelier serve` and in tests. */
import { randomUUID } from "node:crypto";
import { OpenAPIHono } from "@hono/zod-openapi";
import { boundary, methodsByPath, refuseUnrouted } from "./boundary.ts";
import { ANONYMOUS, type ApiApp, type ApiEnv } from "./context.ts";
import type { ApiDeps, ApiOptions } from "./deps.ts";
import { problemAnswer } from "./problem.ts";
import { ROUTES } from "./routes.ts";
import { refuseInvalid } from "./validation.ts";

/**
 * @param deps as they are called; the app keeps nothing between calls beside them
 * @returns an app whose `fetch(request)` never rejects
 */
export function createApi(deps: ApiDeps, options: ApiOptions): ApiApp {
  const app = emptyApp();
  app.use(async (c, next) => {
    c.set("deps", deps);
    c.set("options", options);
    c.set("caller", ANONYMOUS);
    c.set("requestId", randomUUID());
    await next();
  });
  const methodsOf = methodsByPath(routedApp().routes);
  app.use(boundary(methodsOf));
  addRoutes(app);
  app.notFound((c) => refuseUnrouted(c, methodsOf));
  app.onError((error, c) => problemAnswer(error, c));
  return app;
}

/** All routes and nothing before them: for the document. */
export function routedApp(): ApiApp {
  const app = emptyApp();
  addRoutes(app);
  return app;
}

function emptyApp(): ApiApp {
  return new OpenAPIHono<ApiEnv>({ defaultHook: refuseInvalid });
}

function addRoutes(app: ApiApp): void {
  for (const add of ROUTES) add(app);
}
