/** @module Requests with their parts, and the occurrences of the calendar. */
import type { Requests } from "@atelier/core/ports";
import {
  hasPartsToBegin,
  type ImageRequest,
  type Occurrence,
  occurrenceSchema,
  type Part,
  partIdOf,
  partSchema,
  requestSchema,
} from "@atelier/core/request";
import type { Dynamo } from "./client.ts";
import { OPEN_PARTS, OPEN_REQUESTS, occurrenceKey, partKey, partsOfRequest, requestKey } from "./keys.ts";
import { itemsUnder } from "./listing.ts";
import { createOpenRecords, createRecords, type Kind, type Openness, parseRecord } from "./records.ts";

const requestKind: Kind<ImageRequest> & { open: Openness<ImageRequest> } = {
  name: "request",
  schema: requestSchema,
  idOf: (request) => request.requestId,
  keyOf: requestKey,
  fixed: ["requestId", "parts", "createdAtMs"],
  open: {
    hash: OPEN_REQUESTS,
    isOpen: hasPartsToBegin,
    decidedBy: ["partsBegun", "cancelledAtMs"],
    createdAtMs: (request) => request.createdAtMs,
  },
};

const partKind: Kind<Part> & { open: Openness<Part> } = {
  name: "part",
  schema: partSchema,
  idOf: partIdOf,
  keyOf: partKey,
  fixed: ["requestId", "part", "createdAtMs"],
  open: {
    hash: OPEN_PARTS,
    isOpen: (part) => part.open,
    decidedBy: ["open"],
    createdAtMs: (part) => part.createdAtMs,
  },
};

const occurrenceKind: Kind<Occurrence> = {
  name: "occurrence",
  schema: occurrenceSchema,
  idOf: (occurrence) => occurrence.occurrenceId,
  keyOf: occurrenceKey,
  fixed: ["occurrenceId"],
};

export function createRequests(dynamo: Dynamo): Requests {
  return {
    ...createOpenRecords(requestKind, dynamo),
    parts: {
      ...createOpenRecords(partKind, dynamo),
      async ofRequest(requestId) {
        const items = await itemsUnder(partsOfRequest(requestId), dynamo);
        return items.map((item) => parseRecord(partKind, item));
      },
    },
    occurrences: createRecords(occurrenceKind, dynamo),
  };
}
