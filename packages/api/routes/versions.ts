/** @module Versions of an image: asked for by a recipe, listed, made current. */
import { imageDocumentSchema } from "@atelier/core/document";
import { versionRecipeSchema } from "@atelier/core/version";
import { versionDocument, versionDocumentSchema } from "@atelier/core/version-document";
import { makeCurrent, requestVersion, versionOf, versionsOf } from "@atelier/core/version-request";
import * as z from "zod";
import type { ApiApp } from "../context.ts";
import { imageIdSchema, imageParams, listOf } from "../fields.ts";
import { checkUnchanged, documentOf, entityTagOf, IMAGE_META, imageOf } from "../image-view.ts";
import { declared } from "../route.ts";

const versionSchema = versionDocumentSchema.meta({
  id: "Version",
  description: "A set of files made of an image's original by a recipe.",
});

const recipeSchema = versionRecipeSchema.meta({
  id: "VersionRecipe",
  description: "What is done to the original; what is left out is as for the first version.",
});

const versionParams = z.object({
  id: imageIdSchema,
  version: z
    .string()
    .regex(/^[1-9]\d{0,5}$/, "must be a version's number")
    .transform(Number)
    .meta({ description: "A version's number.", type: "integer", minimum: 1, maximum: 999_999, example: 2 }),
});

const location = {
  Location: { description: "Where the version is followed.", schema: { type: "string" as const } },
};

const requestOne = declared({
  method: "post",
  path: "/v1/images/{id}/versions",
  operationId: "requestVersion",
  tags: ["images"],
  summary: "Make a version by a recipe",
  description:
    "Develops the kept original anew; nothing is bought. The same recipe again is the version that there is; one that failed is begun anew. It is made within minutes: ask for it until its `state` is `ready` or `failed`.",
  scope: "images:write",
  request: {
    params: imageParams,
    body: {
      required: true,
      content: {
        "application/json": { schema: recipeSchema, example: { upscale: 2, enhance: "strong" } },
      },
    },
  },
  responses: {
    202: {
      description: "The version, wanted or made.",
      headers: location,
      content: { "application/json": { schema: versionSchema } },
    },
  },
  problems: ["UsageError", "PolicyRefused"],
});

const list = declared({
  method: "get",
  path: "/v1/images/{id}/versions",
  operationId: "listVersions",
  tags: ["images"],
  summary: "The versions of an image, the first one first",
  description: "All of them: an image has one for each recipe.",
  scope: "images:read",
  request: { params: imageParams },
  responses: {
    200: {
      description: "The versions.",
      content: { "application/json": { schema: listOf(versionSchema, "VersionList") } },
    },
  },
  problems: [],
});

const getOne = declared({
  method: "get",
  path: "/v1/images/{id}/versions/{version}",
  operationId: "getVersion",
  tags: ["images"],
  summary: "One version of an image",
  scope: "images:read",
  request: { params: versionParams },
  responses: {
    200: { description: "The version.", content: { "application/json": { schema: versionSchema } } },
  },
  problems: [],
});

const choose = declared({
  method: "put",
  path: "/v1/images/{id}/versions/{version}/current",
  operationId: "chooseVersion",
  tags: ["images"],
  summary: "Make a version the one that is shown",
  description: "Links to renditions that were given before end with it. The other versions stay.",
  scope: "images:write",
  request: {
    params: versionParams,
    headers: z.object({
      "if-match": z
        .string()
        .optional()
        .meta({ description: "An ETag of the image: 412 when it has changed." }),
    }),
  },
  responses: {
    200: {
      description: "The image; ETag names this state of it.",
      content: { "application/json": { schema: imageDocumentSchema.meta(IMAGE_META) } },
    },
  },
  problems: ["UsageError", "PolicyRefused", "PreconditionFailed"],
});

export function addVersionRoutes(app: ApiApp): void {
  app.openapi(requestOne, async (c) => {
    const { deps, caller, options } = c.var;
    const { imageId } = await imageOf(c.req.valid("param").id, c);
    const wanted = await requestVersion(imageId, c.req.valid("json"), caller.name, deps);
    if (wanted.state === "making") deps.beginVersion(wanted);
    const document = versionDocument(await versionOf(imageId, wanted.version, deps));
    c.header("Location", `${options.baseUrl}/v1/images/${imageId}/versions/${wanted.version}`);
    return c.json(document, 202);
  });

  app.openapi(list, async (c) => {
    const { imageId } = await imageOf(c.req.valid("param").id, c);
    const items = (await versionsOf(imageId, c.var.deps)).map(versionDocument);
    return c.json({ items, next_cursor: null }, 200);
  });

  app.openapi(getOne, async (c) => {
    const { id, version } = c.req.valid("param");
    const { imageId } = await imageOf(id, c);
    return c.json(versionDocument(await versionOf(imageId, version, c.var.deps)), 200);
  });

  app.openapi(choose, async (c) => {
    const { deps, caller } = c.var;
    const { id, version } = c.req.valid("param");
    const before = await imageOf(id, c);
    await checkUnchanged(before, c);
    const image = await makeCurrent(id, version, caller.name, before.version, deps);
    const document = await documentOf(image, c);
    c.header("ETag", entityTagOf(document));
    return c.json(document, 200);
  });
}
