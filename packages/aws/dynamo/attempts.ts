/** @module Attempts: by id and image, the open ones, and who owns which job at a provider. */
import { type Attempt, attemptSchema, isOpen } from "@atelier/core/attempt";
import { AtelierError } from "@atelier/core/errors";
import { attemptIdOf } from "@atelier/core/ids";
import type { Attempts } from "@atelier/core/ports";
import { numbered } from "@atelier/core/schema-versions";
import * as z from "zod";
import type { Dynamo } from "./client.ts";
import { ifAbsent } from "./expressions.ts";
import {
  attemptKey,
  attemptsOfImage,
  attemptTimeline,
  INDEXES,
  OPEN_ATTEMPTS,
  operationKey,
  positionOf,
  positionsSince,
} from "./keys.ts";
import { itemsUnder, listPage } from "./listing.ts";
import { createOpenRecords, type Kind, type Openness, parseRecord } from "./records.ts";

const { timeline } = INDEXES;

const attemptKind: Kind<Attempt> & { open: Openness<Attempt> } = {
  name: "attempt",
  schema: attemptSchema,
  idOf: (attempt) => attempt.attemptId,
  keyOf: attemptKey,
  fixed: ["attemptId", "imageId", "number", "provider", "createdAtMs"],
  indexed: (attempt) => ({
    [timeline.hash]: attemptTimeline(attempt.provider),
    [timeline.range]: positionOf(attempt.createdAtMs, attempt.attemptId),
  }),
  open: {
    hash: OPEN_ATTEMPTS,
    isOpen,
    decidedBy: ["ledgerApplied", "correctionMicros", "correctionApplied", "state"],
    createdAtMs: (attempt) => attempt.createdAtMs,
  },
};

const claimKind = { name: "operation claim", schema: z.object({ attemptId: z.string() }) } as const;

export function createAttempts(dynamo: Dynamo): Attempts {
  const records = createOpenRecords(attemptKind, dynamo);
  return {
    ...records,

    /** @throws AtelierError `Unexpected` when the id is not that of the image and number */
    async putIfAbsent(attempt) {
      if (attempt.attemptId !== attemptIdOf(attempt.imageId, attempt.number)) {
        throw new AtelierError(
          "Unexpected",
          `The attempt id ${attempt.attemptId} is not that of attempt ${attempt.number} of ${attempt.imageId}; take it from attemptIdOf.`,
        );
      }
      return records.putIfAbsent(attempt);
    },

    async ofImage(imageId) {
      const items = await itemsUnder(attemptsOfImage(imageId), dynamo);
      return items.map((item) => parseRecord(attemptKind, item));
    },

    ofProvider: (provider, sinceMs, page) =>
      listPage(
        {
          query: JSON.stringify(["attempts", provider, sinceMs]),
          newestFirst: true,
          sources: [{ index: "timeline", hash: attemptTimeline(provider), ...positionsSince(sinceMs) }],
          parse: (item) => parseRecord(attemptKind, item),
          matches: () => true,
        },
        page,
        dynamo,
      ),

    async claimOperation(provider, operation, attemptId) {
      const key = operationKey(provider, operation);
      const claim = numbered(claimKind.name, { attemptId });
      if (await dynamo.put({ ...claim, ...key }, ifAbsent())) return true;
      const standing = await dynamo.get(key);
      return standing !== undefined && parseRecord(claimKind, standing).attemptId === attemptId;
    },
  };
}
