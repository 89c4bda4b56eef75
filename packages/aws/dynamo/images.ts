/** @module Images: by id, by request, and newest first by category, status, tag and date. */
import { CATEGORY_NAMES } from "@atelier/core/catalogue";
import { AtelierError } from "@atelier/core/errors";
import { imageIdOf } from "@atelier/core/ids";
import { fingerprintSchema, type Image, type ImageStatus, imageSchema } from "@atelier/core/image";
import type { ImageFilter, Images } from "@atelier/core/ports";
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
export function createImages(dynamo: Dynamo): Images {
  const records = createRecords(imageKind, dynamo);
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
      return records.putIfAbsent(image);
    },

    list: (filter, page) => listPage(listOf(filter), page, dynamo),

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

    async indexTags(image) {
      const position = positionOfImage(image);
      await dynamo.putMany([...new Set(image.tags)].map((tag) => ({ pk: tagPartition(tag), sk: position })));
    },

    async removeTags(image) {
      for (const tag of new Set(image.tags)) {
        await dynamo.remove({ pk: tagPartition(tag), sk: positionOfImage(image) });
      }
    },

    async indexFingerprint(image, fingerprint) {
      await dynamo.put({
        ...fingerprint,
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

function positionOfImage(image: Pick<Image, "imageId" | "createdAtMs">): string {
  return positionOf(image.createdAtMs, image.imageId);
}

/**
 * Category and the status of an image that has ended are exact in the indexes; images on their way are few and filtered. A tag
 * is looked up by its entries and the rest is filtered, because an image carries a few tags but the states and categories are
 * few for all images.
 */
function listOf(filter: ImageFilter): List<Image> {
  const { category, status, tag, sinceMs = 0 } = filter;
  return {
    query: JSON.stringify(["images", category ?? "", status ?? "", tag ?? "", sinceMs]),
    newestFirst: true,
    sources: sourcesOf(filter),
    ...(tag !== undefined && { keyOf: (position) => imageKey(idOfPosition(position)) }),
    parse: (item) => parseRecord(imageKind, item),
    matches: (image) =>
      (category === undefined || image.category === category) &&
      (status === undefined || image.status === status) &&
      (tag === undefined || image.tags.includes(tag)) &&
      image.createdAtMs >= sinceMs,
  };
}

function sourcesOf({ category, status, tag, sinceMs = 0 }: ImageFilter): Source[] {
  const positions = positionsSince(sinceMs);
  if (tag !== undefined) return [{ hash: tagPartition(tag), ...positions }];
  const categories = category === undefined ? CATEGORY_NAMES : [category];
  return categories.map((name) =>
    status === undefined
      ? { index: "timeline", hash: imageTimeline(name), ...positions }
      : { index: "state", hash: imageState(status), prefix: statePrefix(name), ...positions },
  );
}
