/** @module Images: by id, by request, and newest first by category, status, tag and date. */
import { CATEGORY_NAMES } from "@atelier/core/catalogue";
import { AtelierError } from "@atelier/core/errors";
import { imageIdOf } from "@atelier/core/ids";
import { fingerprintSchema, type Image, type ImageStatus, imageSchema } from "@atelier/core/image";
import type { ImageFilter, Images } from "@atelier/core/ports";
import { numbered } from "@atelier/core/schema-versions";
import type { Dynamo } from "./client.ts";
import {
  fingerprintPartition,
  INDEXES,
  idOfPosition,
  imageKey,
  imageState,
  imagesOfPart,
  imagesOfRequest,
  imageTimeline,
  positionOf,
  positionsSince,
  statePrefix,
  tagPartition,
} from "./keys.ts";
import { itemsBetween, itemsUnder, type List, listPage, type Source } from "./listing.ts";
import { createRecords, type Kind, parseRecord } from "./records.ts";

const { timeline, state } = INDEXES;

const imageKind: Kind<Image> = {
  name: "image",
  schema: imageSchema,
  idOf: (image) => image.imageId,
  keyOf: imageKey,
  fixed: ["imageId", "requestId", "index", "category", "createdAtMs"],
  indexed: (image) => ({
    [timeline.hash]: imageTimeline(image.category),
    [timeline.range]: positionOfImage(image),
    ...stateOf(image.status),
    [state.range]: statePrefix(image.category) + positionOfImage(image),
  }),
  reindexed: (set) => (set.status === undefined ? {} : stateOf(set.status)),
};

/**
 * Lists come from indexes, which on AWS are some milliseconds behind a write: an image may be missing for so long, but
 * what is listed is read consistently. `ofRequest` and `fingerprints` are consistent altogether.
 */
export function createImages(dynamo: Dynamo, key: WordKey = {}): Images {
  const records = createRecords(imageKind, dynamo);
  const earlier = createEarlierImages(dynamo, async (images) => {
    await dynamo.putMany(images.flatMap((image) => entriesOf(image, key)));
    await dynamo.removeMany(images.flatMap(formerEntriesOf));
  });
  return {
    ...records,

    /** @throws AtelierError `Unexpected` when the id is not that of the request and index: it could not be found again */
    async putIfAbsent(image) {
      if (image.imageId !== imageIdOf(image.requestId, image.index)) {
        throw new AtelierError(
          "Unexpected",
          `The image id ${image.imageId} is not that of image ${image.index} of ${image.requestId}; take it from imageIdOf.`,
        );
      }
      await dynamo.putMany(entriesOf(image, key));
      return records.putIfAbsent(image);
    },

    async list(filter, page) {
      const list = listOf(filter, (await earlier.areIndexed()) ? key : null);
      return listPage({ ...list, matches: matcherOf(filter, key) }, page, dynamo);
    },

    async ofRequest(requestId) {
      const items = await itemsUnder(imagesOfRequest(requestId), dynamo);
      return items.map((item) => parseRecord(imageKind, item));
    },

    async ofPart(requestId, part) {
      const items = await itemsBetween(imagesOfPart(requestId, part), dynamo);
      return items.map((item) => parseRecord(imageKind, item));
    },

    async stock(category) {
      const prefix = statePrefix(category);
      return dynamo.count({
        index: "state",
        hash: imageState("completed"),
        first: prefix,
        last: `${prefix}~`,
      });
    },

    index: (image) => dynamo.putMany(entriesOf(image, key)),

    async unindex(before, after) {
      const kept = new Set(entriesOf(after, key).map(({ pk }) => pk));
      const entries = [...entriesOf(before, key), ...formerEntriesOf(before)];
      await dynamo.removeMany(entries.filter(({ pk }) => !kept.has(pk)));
    },

    indexEarlier: (limit) => earlier.index(limit),

    async indexFingerprint(image, fingerprint) {
      await dynamo.put({
        ...numbered("fingerprint", fingerprint),
        pk: fingerprintPartition(image.category),
        sk: positionOfImage(image),
      });
    },

    async removeFingerprint(image) {
      await dynamo.remove({ pk: fingerprintPartition(image.category), sk: positionOfImage(image) });
    },

    async fingerprints(category, exceptImageId, limit) {
      const found: { imageId: string; fingerprint: Image["fingerprint"] & object }[] = [];
      const range = { hash: fingerprintPartition(category), ...positionsSince(0) };
      let page = await dynamo.query(range, { backwards: true, limit: limit + 1 });
      for (;;) {
        for (const item of page.items) {
          const imageId = idOfPosition(String(item.sk));
          if (imageId === exceptImageId) continue;
          const fingerprint = parseRecord({ name: "fingerprint", schema: fingerprintSchema }, item);
          found.push({ imageId, fingerprint });
        }
        if (found.length >= limit || !page.next) return found.slice(0, limit);
        page = await dynamo.query(range, { backwards: true, limit: limit + 1, start: page.next });
      }
    },
  };
}

function stateOf(status: ImageStatus): Record<string, string> {
  return { [state.hash]: imageState(status) };
}

@@REST@@
