/** @module Images: found by what they are, shown one by one, erased. */
import { isOpen } from "@atelier/core/attempt";

import { visibleTo } from "@atelier/core/caller";
import { categoryNameSchema, ratingSchema } from "@atelier/core/catalogue";
import { imageDocumentSchema } from "@atelier/core/document";
import { AtelierError } from "@atelier/core/errors";
import { type Image, imageStatusSchema, isTerminal } from "@atelier/core/image";
import type { ImageFilter } from "@atelier/core/ports";
import { eraseSubject, filesOf } from "@atelier/core/privacy";
import { findSubject } from "@atelier/core/privacy-subject";
import { isBeingMade } from "@atelier/core/version";
import * as z from "zod";
import type { ApiApp } from "../context.ts";
import type { ApiDeps } from "../deps.ts";
import {
  imageParams,
  listOf,
  pageOf,
  pageQuery,
  requestIdSchema,
  tagSchema,
  templateNameSchema,
  wholeNumber,
} from "../fields.ts";
import {
  checkUnchanged,
  documentOf,
  documentsOf,
  entityTagOf,
  IMAGE_META,
  imageOf,
  isErased,
  keptImageOf,
  namesTagWeakly,
} from "../image-view.ts";
import { declared } from "../route.ts";

const imageSchema = imageDocumentSchema.meta(IMAGE_META);

/** A page looks no further through an index than this; what it did not reach, the next one does. */
const READS_MAX = 30;

const instantSchema = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })], { error: "must be a date or an RFC 3339 time" })
  .meta({ type: "string", example: "2026-11-22" });

const listQuery = z.strictObject({
  category: categoryNameSchema.optional(),
  status: imageStatusSchema.optional(),
  tag: tagSchema.optional(),
  rating: ratingSchema.optional(),
  since: instantSchema.optional().meta({
    description: "Created then or later: a day, which begins at midnight in UTC, or an RFC 3339 time.",
  }),
  until: instantSchema.optional().meta({ description: "Created before then: a day or a time, as `since`." }),
  min_quality: wholeNumber(0, 100, "Of at least this measured quality.").optional(),
  template: templateNameSchema.optional(),
  request_id: requestIdSchema.optional(),
  text: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .meta({ description: "All of these words stand in the template's name, the tags or the slot values." }),
  ...pageQuery,
});

const listImages = declared({
  method: "get",
  path: "/v1/images",
  operationId: "listImages",
  tags: ["images"],
  summary: "Images, newest first",
  description:
    "Your own and the installation's; with `requests:all` everybody's. Filters can be combined. A page may be short, even empty: follow next_cursor until it is null.",
  scope: "images:read",
  request: { query: listQuery },
  responses: {
    200: {
      description: "A page.",
      content: { "application/json": { schema: listOf(imageSchema, "ImageList") } },
    },
  },
  problems: ["UsageError"],
});

const getImage = declared({
  method: "get",
  path: "/v1/images/{id}",
  operationId: "getImage",
  tags: ["images"],
  summary: "One image",
  description: "`prompt` and `negative_prompt` are null without the scope `prompts:read`.",
  scope: "images:read",
  request: {
    params: imageParams,
    headers: z.object({
      "if-none-match": z.string().optional().meta({ description: "An ETag: 304 while it still holds." }),
    }),
  },
  responses: {
    200: {
      description: "The image; ETag names this state of it.",
      content: { "application/json": { schema: imageSchema } },
    },
    304: { description: "It is as the ETag says." },
  },
  problems: [],
});

const deleteImage = declared({
  method: "delete",
  path: "/v1/images/{id}",
  operationId: "deleteImage",
  tags: ["images"],
  summary: "Erase an image",
  description:
    "Its files in every place, its prompt and its details; that it was there and what it cost stays in the books. Again: the same. One that is sealed is kept for whoever must look into it.",
  scope: "images:write",
  request: {
    params: imageParams,
    headers: z.object({
      "if-match": z
        .string()
        .optional()
        .meta({ description: "An ETag: 412 when the image has changed since." }),
    }),
  },
  responses: { 204: { description: "Nothing of it is left." } },
  problems: ["ImageUnfinished", "PreconditionFailed"],
});

export function addImageRoutes(app: ApiApp): void {
  app.openapi(listImages, async (c) => {
    const query = c.req.valid("query");
    const page = await c.var.deps.images.list(filterOf(query, visibleTo(c.var.caller)), {
      ...pageOf(query),
      readsMax: READS_MAX,
    });
    const kept = page.items.filter((image) => !isErased(image));
    const items = await documentsOf(kept, c);
    return c.json({ items, next_cursor: page.cursor }, 200);
  });

  app.openapi(deleteImage, async (c) => {
    const { deps } = c.var;
    const image = await keptImageOf(c.req.valid("param").id, c);
    await checkUnchanged(image, c);
    if (image.verdict?.sealed && !isErased(image) && image.status !== "rejected") {
      throw new AtelierError("Forbidden", "The image is sealed; a review has to decide about it first.");
    }
    const attempts = await deps.attempts.ofImage(image.imageId);
    if (!isTerminal(image.status) || attempts.some(isOpen)) {
      throw new AtelierError("ImageUnfinished", "The image is in the making, or not settled yet.");
    }
    await checkNothingMade(image, deps);
    await eraseSubject(await findSubject(image.imageId, deps), deps);
    // One that was claimed meanwhile removes itself, and the caller comes back.
    await checkNothingMade(image, deps);
    const files = await filesOf(image, deps.places);
    if (files.length > 0) throw new AtelierError("StorageUnavailable", "Not everything could be removed.");
    return c.body(null, 204);
  });

  app.openapi(getImage, async (c) => {
    const document = await documentOf(await imageOf(c.req.valid("param").id, c), c);
    const tag = entityTagOf(document);
    c.header("ETag", tag);
    if (namesTagWeakly(c.req.header("if-none-match"), tag)) return c.body(null, 304);
    return c.json(document, 200);
  });
}

/** @throws AtelierError `ImageUnfinished` while files of a version are being written */
async function checkNothingMade(
  { imageId }: Pick<Image, "imageId">,
  { versions, clock }: Pick<ApiDeps, "versions" | "clock">,
): Promise<void> {
  const found = (await versions.ofImage(imageId)).find((version) => isBeingMade(version, clock()));
  if (!found) return;
  throw new AtelierError("ImageUnfinished", `Version ${found.version} of the image is being made.`, {
    data: { retryAfterMs: VERSION_MS },
  });
}

/** Most versions are made within this. */
const VERSION_MS = 15_000;

function filterOf(query: z.output<typeof listQuery>, caller: string | null): ImageFilter {
  const { category, status, tag, rating, template, text } = query;
  return {
    ...(category && { category }),
    ...(status && { status }),
    ...(tag && { tag }),
    ...(rating && { rating }),
    ...(template && { template }),
    ...(text && { text }),
    ...(query.request_id && { requestId: query.request_id }),
    ...(query.min_quality !== undefined && { qualityAtLeast: query.min_quality }),
    ...(query.since && { sinceMs: Date.parse(query.since) }),
    ...(query.until && { untilMs: Date.parse(query.until) }),
    ...(caller !== null && { visibleTo: caller }),
  };
}
