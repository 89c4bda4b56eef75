/** @module The events of a request, server-sent. */
import * as z from "zod";
import type { ApiApp } from "../context.ts";
import { requestParams } from "../fields.ts";
import { documentOf } from "../image-view.ts";
import { malformed } from "../problem.ts";
import { cursorFrom, eventStream, requestEvents } from "../request-events.ts";
import { requestOf } from "../request-view.ts";
import { declared } from "../route.ts";

const getEvents = declared({
  method: "get",
  path: "/v1/requests/{id}/events",
  operationId: "watchRequest",
  tags: ["requests"],
  summary: "Watch a request",
  description:
    "Server-sent events: `image` for each image that has ended (data: the image), `progress` whenever the request has changed (data: the request), `end` once nothing is missing. Comments are heartbeats. When the stream ends before `end`, come again with Last-Event-ID: behind API Gateway each answer holds what is new and ends.",
  scope: "requests:read",
  request: {
    params: requestParams,
    headers: z.object({
      "last-event-id": z.string().optional().meta({
        description: "The id of the last image event: it goes on after that one.",
        example: "1795348800000.img_01kbkzt9f0g2h4j6k8m0n2p4q6_00000",
      }),
    }),
  },
  responses: {
    200: {
      description: "The events.",
      content: {
        "text/event-stream": {
          schema: { type: "string" },
          example: 'event: progress\ndata: {"request_id":"req_01kbkzt9f0g2h4j6k8m0n2p4q6", ... }\n\n',
        },
      },
    },
  },
  problems: [],
});

const HEADERS = { "Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no" };

export function addRequestEventRoutes(app: ApiApp): void {
  app.openapi(getEvents, async (c) => {
    const { deps, options } = c.var;
    const request = await requestOf(c.req.valid("param").id, c);
    const lastEventId = c.req.valid("header")["last-event-id"];
    const after = lastEventId === undefined ? null : cursorFrom(lastEventId);
    if (lastEventId !== undefined && after === null) {
      throw malformed("Last-Event-ID is not the id of an event; leave it out to start at the beginning.");
    }
    if (c.req.method === "HEAD") return c.body(null, 200, HEADERS);
    const gone = new AbortController();
    const signal = AbortSignal.any([gone.signal, c.req.raw.signal]);
    const events = requestEvents(
      request,
      after,
      { follow: options.streams, signal },
      { ...deps, wait: deps.wait ?? waited, documentOf: (image) => documentOf(image, c) },
    );
    const stream = eventStream(events, { stop: () => gone.abort(), onFault: deps.onFault });
    return c.body(stream, 200, HEADERS);
  });
}

function waited(waitMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, waitMs);
    signal.addEventListener("abort", done);
  });
}
