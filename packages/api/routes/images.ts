/** @module Images: found by what they are, and shown one by one. */

import { visibleTo } from "@atelier/core/caller";
import { CATEGORY_NAMES, RATINGS } from "@atelier/core/catalogue";
import { imageDocumentSchema } from "@atelier/core/document";
import { IMAGE_STATUSES } from "@atelier/core/image";
import type { ImageFilter } from "@atelier/core/ports";
import * as z from "zod";
import type { ApiApp } from "../context.ts";
import {
  imageParams,
  listOf,
  nameSchema,
  pageOf,
  pageQuery,
  requestIdSchema,
  wholeNumber,
} from "../fields.ts";
import { documentOf, entityTagOf, imageOf, namesTag } from "../image-view.ts";
import { declared } from "../route.ts";

const imageSchema = imageDocumentSchema.meta({ id: "Image" });

const instantSchema = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })], { error: "must be a date or an RFC 3339 time" })
  .meta({ type: "string", example: "2026-11-22" });

const listQuery = z.strictObject({
  category: z.enum(CATEGORY_NAMES).optional(),
  status: z.enum(IMAGE_STATUSES).optional(),
  tag: nameSchema.optional(),
  rating: z.enum(RATINGS).optional(),
  since: instantSchema
    .optional()
    .meta({ description: "Created then or later; a day begins at midnight in UTC." }),
  until: instantSchema.optional().meta({ description: "Created before then." }),
  min_quality: wholeNumber(0, 100, "Of at least this quality.").optional(),
  template: nameSchema.optional(),
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
  description: "Your own and the installation's; with `requests:all` everybody's. Filters can be combined.",
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

export function addImageRoutes(app: ApiApp): void {
  app.openapi(listImages, async (c) => {
    const query = c.req.valid("query");
    const page = await c.var.deps.images.list(filterOf(query, visibleTo(c.var.caller)), pageOf(query));
    const items = await Promise.all(page.items.map((image) => documentOf(image, c)));
    return c.json({ items, next_cursor: page.cursor }, 200);
  });

  app.openapi(getImage, async (c) => {
    const document = await documentOf(await imageOf(c.req.valid("param").id, c), c);
    const tag = entityTagOf(document);
    c.header("ETag", tag);
    if (namesTag(c.req.header("if-none-match"), tag)) return c.body(null, 304);
    return c.json(document, 200);
  });
}

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
