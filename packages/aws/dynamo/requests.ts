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
import { compileChange } from "./expressions.ts";
import {
  INDEXES,
  OPEN_PARTS,
  OPEN_REQUESTS,
  occurrenceKey,
  partKey,
  partsOfRequest,
  positionOf,
  positionsSince,
  requestKey,
  requestTimeline,
} from "./keys.ts";
import { itemsUnder, listPage } from "./listing.ts";
import { createOpenRecords, createRecords, type Kind, type Openness, parseRecord } from "./records.ts";

const { timeline } = INDEXES;

/** Beside the record, in the same write: accepting a request stays one put. */
function listedAs({ askedBy, createdAtMs, requestId }: ImageRequest): Record<string, string> {
  return { [timeline.hash]: requestTimeline(askedBy), [timeline.range]: positionOf(createdAtMs, requestId) };
}

const requestKind: Kind<ImageRequest> & { open: Openness<ImageRequest> } = {
  name: "request",
  schema: requestSchema,
  idOf: (request) => request.requestId,
  keyOf: requestKey,
  fixed: ["requestId", "parts", "createdAtMs"],
  indexed: listedAs,
  reindexed: ({ askedBy }): Readonly<Record<string, string>> =>
    askedBy === undefined ? {} : { [timeline.hash]: requestTimeline(askedBy) },
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
    list: ({ askedBy }, page) =>
      listPage(
        {
          query: JSON.stringify(["requests", ...askedBy]),
          sources: askedBy.map((asker) => ({
            index: "timeline",
            hash: requestTimeline(asker),
            ...positionsSince(0),
          })),
          newestFirst: true,
          parse: (item) => parseRecord(requestKind, item),
          matches: () => true,
        },
        page,
        dynamo,
      ),
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

/** Puts requests that an earlier release wrote into the list of whoever asked for them; others are there already. */
export async function listRequests(requestIds: readonly string[], dynamo: Dynamo): Promise<void> {
  for (const item of await dynamo.getMany(requestIds.map(requestKey))) {
    if (timeline.hash in item) continue;
    const request = parseRecord(requestKind, item);
    await dynamo.update(
      requestKey(request.requestId),
      compileChange<ImageRequest>({ set: {}, when: [] }, { set: listedAs(request) }),
    );
  }
}
