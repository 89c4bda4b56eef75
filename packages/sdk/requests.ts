/** @module Requests that were made before. */
import type { RequestStatus, RequestSummary } from "./documents.ts";
import type { CallOptions } from "./images.ts";
import { itemsOf } from "./path.ts";
import type { Transport } from "./transport.ts";

export interface RequestQuery extends CallOptions {
  readonly status?: RequestStatus;
  /** This caller's alone; somebody else's need `requests:all`. Default: your own and the installation's. */
  readonly askedBy?: string;
}

export interface Requests {
  /** Newest first, page by page as they are asked for; `resume` of the generator goes on with one. */
  list(query?: RequestQuery): AsyncIterable<RequestSummary>;
}

const PAGE = 50;

export function createRequests(transport: Transport): Requests {
  return {
    list: ({ signal, askedBy, status } = {}) =>
      itemsOf<RequestSummary>("/v1/requests", { status, asked_by: askedBy, limit: PAGE }, transport, signal),
  };
}
