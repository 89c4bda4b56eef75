/** @module Requests: asked for, tried out, looked at, cancelled. */
import { acceptRequest } from "@atelier/core/admission";
import { cancelRequest } from "@atelier/core/cancel";
import { requestStatusSchema } from "@atelier/core/request-document";
import * as progress from "@atelier/core/request-progress";
import * as z from "zod";
import { ASKING_EXAMPLES, ASKING_SCHEMAS, askingBody } from "../asking-body.ts";
import type { ApiApp } from "../context.ts";
import { dryRun, dryRunSchema } from "../dry-run.ts";
import { listOf, pageOf, pageQuery, requestParams, wholeNumberOr } from "../fields.ts";
import {
  askersOf,
  checkedKey,
  checkOwn,
  REQUEST_EXAMPLE,
  requestOf,
  requestSchema,
  summarySchema,
} from "../request-view.ts";
import { declared } from "../route.ts";
import { shownVariation } from "../variation-view.ts";

const answer = { "application/json": { schema: requestSchema, example: REQUEST_EXAMPLE } };

const createRequest = declared({
  method: "post",
  path: "/v1/requests",
  operationId: "createRequest",
  tags: ["requests"],
  summary: "Ask for images",
  description:
    "Checked as a whole before anything is bought: policy, terms, budget. The same Idempotency-Key with the same body is the same request; with another body it is refused. A dry run makes nothing.",
  scope: "requests:write",
  request: {
    query: z.strictObject({
      dry_run: z.enum(["true", "false"]).optional().meta({ description: "As `dry_run` of the body." }),
    }),
    headers: z.object({
      "idempotency-key": z.string().optional().meta({
        description: "1 to 255 visible ASCII characters; makes asking again harmless.",
        example: "order-4711",
      }),
    }),
    body: {
      required: true,
      content: { "application/json": { schema: askingBody, examples: ASKING_EXAMPLES } },
    },
  },
  responses: {
    200: {
      description: "Of a dry run: what would be made, and its price.",
      content: { "application/json": { schema: dryRunSchema } },
    },
    202: { description: "Accepted; Location is where to look after it.", content: answer },
  },
  problems: [
    "UsageError",
    "UnknownName",
    "BudgetExceeded",
    "MaxCostExceeded",
    "RequestConflict",
    "PolicyRefused",
    "TermsDenied",
    "NoCandidate",
    "PriceUnknown",
  ],
});

const REQUESTS_DEFAULT = 20;
const REQUESTS_MAX = 100;

const listRequests = declared({
  method: "get",
  path: "/v1/requests",
  operationId: "listRequests",
  tags: ["requests"],
  summary: "Requests, newest first",
  description:
    "Your own and the installation's. A page holds so many requests at most before `status` leaves some out: it may be short, even empty, so follow next_cursor until it is null.",
  scope: "requests:read",
  request: {
    query: z.strictObject({
      status: requestStatusSchema.optional(),
      asked_by: z
        .string()
        .regex(/^[\x21-\x7e]{1,200}$/, "must be a caller's name: the subject of a token")
        .optional()
        .meta({
          description: "This caller's alone; somebody else's need `requests:all`.",
          example: "ada",
        }),
      ...pageQuery,
      limit: wholeNumberOr(REQUESTS_DEFAULT, 1, REQUESTS_MAX, "So many requests at most."),
    }),
  },
  responses: {
    200: {
      description: "A page.",
      content: { "application/json": { schema: listOf(summarySchema, "RequestList") } },
    },
  },
  problems: ["UsageError"],
});

const getRequest = declared({
  method: "get",
  path: "/v1/requests/{id}",
  operationId: "getRequest",
  tags: ["requests"],
  summary: "How far a request is",
  description: "Your own and the installation's; with `requests:all` everybody's.",
  scope: "requests:read",
  request: { params: requestParams },
  responses: { 200: { description: "The request.", content: answer } },
  problems: [],
});

const cancel = declared({
  method: "post",
  path: "/v1/requests/{id}/cancel",
  operationId: "cancelRequest",
  tags: ["requests"],
  summary: "Cancel a request",
  description:
    "Nothing more is bought, and jobs that run are stopped as far as their provider can. One that has ended stays as it is. Takes no body. The installation's own need `requests:all`.",
  scope: "requests:write",
  request: { params: requestParams },
  responses: { 200: { description: "The request, cancelled.", content: answer } },
  problems: [],
});

export function addRequestRoutes(app: ApiApp): void {
  for (const [name, schema] of Object.entries(ASKING_SCHEMAS)) app.openAPIRegistry.register(name, schema);

  app.openapi(createRequest, async (c) => {
    const { deps, caller, options } = c.var;
    const { asked, isTrial } = c.req.valid("json");
    const idempotencyKey = checkedKey(c.req.valid("header")["idempotency-key"]);
    if (isTrial || c.req.valid("query").dry_run === "true") {
      const { items, price } = await dryRun(asked, caller.name, deps);
      return c.json({ items: items.map((item) => shownVariation(item, c)), price }, 200);
    }
    const who = { caller: caller.name, askedBy: caller.name, idempotencyKey };
    const { request, isNew } = await acceptRequest(asked, who, deps);
    const document = isNew
      ? progress.acceptedDocument(request)
      : await progress.requestDocument(request, deps);
    return c.json(document, 202, { Location: `${options.baseUrl}/v1/requests/${request.requestId}` });
  });

  app.openapi(listRequests, async (c) => {
    const { status, asked_by: askedBy, ...page } = c.req.valid("query");
    const { deps } = c.var;
    const found = await deps.requests.list({ askedBy: askersOf(askedBy, c) }, pageOf(page));
    const summaries = await progress.requestSummaries(found.items, deps);
    const items = summaries.filter((each) => status === undefined || each.status === status);
    return c.json({ items, next_cursor: found.cursor }, 200);
  });

  app.openapi(getRequest, async (c) => {
    const request = await requestOf(c.req.valid("param").id, c);
    return c.json(await progress.requestDocument(request, c.var.deps), 200);
  });

  app.openapi(cancel, async (c) => {
    const { deps } = c.var;
    const request = await requestOf(c.req.valid("param").id, c);
    checkOwn(request, c);
    const before = await progress.requestDocument(request, deps);
    if (before.finished_at !== null && request.cancelledAtMs === null) return c.json(before, 200);
    await cancelRequest(request, deps);
    const after = (await deps.requests.get(request.requestId)) ?? request;
    return c.json(await progress.requestDocument(after, deps), 200);
  });
}
