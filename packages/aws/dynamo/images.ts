/** @module Images: by id, by request, and newest first by any filter. */
import { CATEGORY_NAMES } from "@atelier/core/catalogue";
import { AtelierError } from "@atelier/core/errors";
import { imageIdOf } from "@atelier/core/ids";
import { fingerprintSchema, type Image, type ImageStatus, imageSchema } from "@atelier/core/image";
import type { ImageFilter, Images } from "@atelier/core/ports";
import { numbered } from "@atelier/core/schema-versions";
import type { Dynamo } from "./client.ts";
import { createEarlierImages, tagEntriesOf } from "./earlier-images.ts";
import { entriesOf, matcherOf, positionOfImage, termGroups, type WordKey } from "./image-terms.ts";
import {
  fingerprintPartition,
  INDEXES,
  idOfPosition,
  imageKey,
  imageState,
  imagesOfPart,
  imagesOfRequest,
  imageTimeline,
  positionsSince,
  REQUESTS_LISTED,
  statePrefix,
  TERMS_WRITTEN,
} from "./keys.ts";
import { itemsBetween, itemsUnder, type List, listPage } from "./listing.ts";
import { createRecords, type Kind, parseRecord } from "./records.ts";
import { listRequests } from "./requests.ts";
import type { Source } from "./walk.ts";

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
 * Lists by category and status come from indexes, which on AWS are some milliseconds behind a write: an image may be missing for so
 * long, but what is listed is read consistently. Those by terms, `ofRequest` and `fingerprints` are consistent altogether.
 *
 * @param key for the words of prompts: needed where lists are asked for by text, and to index images of the first release
 */
export function createImages(dynamo: Dynamo, key: WordKey = {}): Images {
  const records = createRecords(imageKind, dynamo);
  const all = (page: { limit: number; cursor?: string }) => listPage(listOf({}, key, false), page, dynamo);
  const earlier = createEarlierImages({
    dynamo,
    written: TERMS_WRITTEN,
    list: all,
    async write(images) {
      await dynamo.putMany(images.flatMap((image) => entriesOf(image, key)));
      await dynamo.removeMany(images.flatMap(tagEntriesOf));
    },
  });
  const earlierRequests = createEarlierImages({
    dynamo,
    written: REQUESTS_LISTED,
    list: all,
    write: (images) => listRequests([...new Set(images.map(({ requestId }) => requestId))], dynamo),
  });
  /** Those of an image that another state of it has not. */
  const newEntries = (image: Image, other: Image | undefined) => {
    const others = new Set((other ? entriesOf(other, key) : []).map(({ pk }) => pk));
    return entriesOf(image, key).filter(({ pk }) => !others.has(pk));
  };
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
      return listPage(listOf(filter, key, await earlier.areIndexed()), page, dynamo);
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

    index: (image, before) => dynamo.putMany(newEntries(image, before)),

    async unindex(before, after) {
      await dynamo.removeMany([...newEntries(before, after), ...tagEntriesOf(before)]);
    },

    indexEarlier: async (limit) => (await earlier.index(limit)) || earlierRequests.index(limit),

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

/** Ranges that hold all that the filter wants, as a page of `listPage`; `matches` sees to the rest. */
function listOf(filter: ImageFilter, key: WordKey, areIndexed: boolean): List<Image> {
  const [sources = [], ...narrowedBy] = rangesOf(filter, key, areIndexed);
  const matches = matcherOf(filter, key);
  return {
    query: JSON.stringify(["images", ...FILTERS.map((name) => filter[name] ?? null)]),
    newestFirst: true,
    sources,
    narrowedBy,
    ...(filter.requestId === undefined && { keyOf: (position) => imageKey(idOfPosition(position)) }),
    parse: (item) => parseRecord(imageKind, item),
    matches: (image, position) =>
      // An entry may be of a record that was never written, while another of that id was.
      (filter.requestId !== undefined || positionOfImage(image) === position) && matches(image),
  };
}

const FILTERS = [
  "category",
  "status",
  "tag",
  "sinceMs",
  "untilMs",
  "rating",
  "qualityAtLeast",
  "template",
  "requestId",
  "text",
  "visibleTo",
] as const satisfies (keyof ImageFilter)[];

/**
 * Groups of ranges; what is wanted stands in each group. Category and the status of an image that has ended are exact in the
 * indexes, what else an image says in its terms; images on their way share a status and are filtered.
 */
function rangesOf(filter: ImageFilter, key: WordKey, areIndexed: boolean): Source[][] {
  const { category, status, sinceMs = 0, untilMs, requestId } = filter;
  if (requestId !== undefined) {
    const { pk, prefix } = imagesOfRequest(requestId);
    return [[{ hash: pk, prefix, first: "", last: "~", ofRecords: true }]];
  }
  const positions = positionsSince(sinceMs, untilMs);
  const categories = category === undefined ? CATEGORY_NAMES : [category];
  const byStatus = (wanted: ImageStatus) =>
    categories.map((name): Source => {
      return { index: "state", hash: imageState(wanted), prefix: statePrefix(name), ...positions };
    });
  const byTerm = areIndexed ? termGroups(filter, categories, key) : [];
  const groups = [
    ...(status === undefined ? [] : [byStatus(status)]),
    ...byTerm.map((hashes) => hashes.map((hash): Source => ({ hash, ...positions }))),
  ];
  if (groups.length > 0) return groups;
  return [categories.map((name): Source => ({ index: "timeline", hash: imageTimeline(name), ...positions }))];
}
