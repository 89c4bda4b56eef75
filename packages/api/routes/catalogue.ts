/** @module What there is to ask for: categories, templates, models, and what terms allow. */
import { previewRequest, templateRequest } from "@atelier/core/accept";
import {
  type Catalogue,
  categoryNameSchema,
  providerNameSchema,
  RATINGS,
  ratingSchema,
} from "@atelier/core/catalogue";
import {
  modelDocument,
  modelDocumentSchema,
  templateDocumentSchema,
  templateDocuments,
} from "@atelier/core/catalogue-document";
import { modelReports } from "@atelier/core/model-report";
import { variationDocument } from "@atelier/core/preview";
import { termsAllow } from "@atelier/core/terms";
import * as z from "zod";
import type { ApiApp } from "../context.ts";
import type { ApiDeps } from "../deps.ts";
import { listOf, templateNameSchema, wholeNumberOr } from "../fields.ts";
import { notFound } from "../problem.ts";
import { declared } from "../route.ts";
import { shownVariation, variationSchema } from "../variation-view.ts";

const PREVIEWED_DEFAULT = 5;
const PREVIEWED_MAX = 50;
/** A preview is the same each time unless another seed is asked for. */
const SEED_DEFAULT = 1;
const SEED_MAX = 999_999_999;

const categorySchema = z
  .object({
    name: categoryNameSchema,
    rating: ratingSchema.meta({ description: "Of its pictures, unless words of a prompt raise it." }),
    description: z.string().meta({ description: "What its pictures show, in a few words." }),
    templates: z
      .array(z.string())
      .meta({ description: "Names of its templates; empty: for prompts of one's own." }),
  })
  .meta({ id: "Category", description: "A kind of picture, with its rating and its templates." });
const templateSchema = templateDocumentSchema.meta({
  id: "Template",
  description: "A named prompt with slots, of which each picture gets another choice of words.",
});
const modelSchema = modelDocumentSchema.omit({ probed: true }).meta({
  id: "Model",
  description: "What makes pictures: its price, what may be made with it, and how it has done lately.",
});
const termsSchema = z
  .object({
    provider: providerNameSchema,
    rating: ratingSchema,
    allowed: z.boolean().meta({ description: "Whether pictures of the rating may be bought there." }),
    reason: z.string().meta({ description: "One sentence for people." }),
    date: z.string().nullable().meta({
      description: "When the source was read or the word was given, yyyy-mm-dd; null without terms.",
    }),
    source: z
      .string()
      .nullable()
      .meta({ description: "Where the terms stand, or who attests them; null without terms." }),
  })
  .meta({ id: "Terms", description: "What a provider's terms say about one rating." });

const templateParams = z.object({ name: templateNameSchema });

const listCategories = declared({
  method: "get",
  path: "/v1/categories",
  operationId: "listCategories",
  tags: ["catalogue"],
  summary: "Categories and their ratings",
  scope: "catalogue:read",
  request: {},
  responses: {
    200: {
      description: "All of them.",
      content: { "application/json": { schema: listOf(categorySchema, "CategoryList") } },
    },
  },
  problems: [],
});

const listTemplates = declared({
  method: "get",
  path: "/v1/templates",
  operationId: "listTemplates",
  tags: ["catalogue"],
  summary: "Templates",
  description: "A category that takes prompts of one's own only has a line whose `template` is null.",
  scope: "catalogue:read",
  request: {},
  responses: {
    200: {
      description: "All of them.",
      content: { "application/json": { schema: listOf(templateSchema, "TemplateList") } },
    },
  },
  problems: [],
});

const getTemplate = declared({
  method: "get",
  path: "/v1/templates/{name}",
  operationId: "getTemplate",
  tags: ["catalogue"],
  summary: "One template",
  scope: "catalogue:read",
  request: { params: templateParams },
  responses: {
    200: { description: "The template.", content: { "application/json": { schema: templateSchema } } },
  },
  problems: [],
});

const previewTemplate = declared({
  method: "get",
  path: "/v1/templates/{name}/preview",
  operationId: "previewTemplate",
  tags: ["catalogue"],
  summary: "What a template would make",
  description: "With candidates and prices. Nothing is bought; the same seed gives the same variations.",
  scope: "catalogue:read",
  request: {
    params: templateParams,
    query: z.strictObject({
      variations: wholeNumberOr(PREVIEWED_DEFAULT, 1, PREVIEWED_MAX, "How many of its variations to show."),
      seed: wholeNumberOr(SEED_DEFAULT, 1, SEED_MAX, "Another one gives other variations."),
    }),
  },
  responses: {
    200: {
      description: "The variations.",
      content: { "application/json": { schema: listOf(variationSchema, "VariationList") } },
    },
  },
  problems: [],
});

const listModels = declared({
  method: "get",
  path: "/v1/models",
  operationId: "listModels",
  tags: ["catalogue"],
  summary: "Models: price, terms, health, and whether they are offered",
  scope: "catalogue:read",
  request: {},
  responses: {
    200: {
      description: "All of them.",
      content: { "application/json": { schema: listOf(modelSchema, "ModelList") } },
    },
  },
  problems: [],
});

const listTerms = declared({
  method: "get",
  path: "/v1/terms",
  operationId: "listTerms",
  tags: ["catalogue"],
  summary: "What each provider's terms allow",
  description: "By rating, with attestations of the operator counted. A model's licence may allow less.",
  scope: "catalogue:read",
  request: {},
  responses: {
    200: {
      description: "A line for each provider and rating.",
      content: { "application/json": { schema: listOf(termsSchema, "TermsList") } },
    },
  },
  problems: [],
});

export function addCatalogueRoutes(app: ApiApp): void {
  app.openapi(listCategories, (c) => {
    const items = c.var.deps.catalogue.categories.map(({ name, rating, description, templates }) => ({
      name,
      rating,
      description,
      templates: templates.map((template) => template.name),
    }));
    return c.json({ items, next_cursor: null }, 200);
  });

  app.openapi(listTemplates, (c) =>
    c.json({ items: templateDocuments(c.var.deps.catalogue), next_cursor: null }, 200),
  );

  app.openapi(getTemplate, (c) => {
    const { name } = c.req.valid("param");
    const document = templateDocuments(c.var.deps.catalogue).find(({ template }) => template === name);
    if (!document) throw notFound("template");
    return c.json(document, 200);
  });

  app.openapi(previewTemplate, (c) => {
    const { deps } = c.var;
    const { variations, seed } = c.req.valid("query");
    const { name } = c.req.valid("param");
    const request = previewedRequest(name, variations, seed, deps);
    const items = previewRequest(request, deps).map((image) =>
      shownVariation(variationDocument(request.category, image, null), c),
    );
    return c.json({ items, next_cursor: null }, 200);
  });

  app.openapi(listModels, async (c) => {
    const reports = await modelReports(c.var.deps, null);
    const items = reports.map((report) => {
      const { probed: _, ...document } = modelDocument(report);
      return document;
    });
    return c.json({ items, next_cursor: null }, 200);
  });

  app.openapi(listTerms, async (c) => {
    const { catalogue, today, termsAttested } = c.var.deps;
    const attestations = await termsAttested();
    const items = catalogue.providers.flatMap(({ name }) =>
      RATINGS.map((rating) => {
        const { providers, termsExpireAfterDays } = catalogue;
        const given = { provider: name, rating, providers, attestations, termsExpireAfterDays };
        return { provider: name, rating, ...termsAllow({ ...given, today: today() }) };
      }),
    );
    return c.json({ items, next_cursor: null }, 200);
  });
}

/** @throws AtelierError `UnknownName` */
function previewedRequest(template: string, count: number, seed: number, deps: ApiDeps) {
  const category = categoryWith(template, deps.catalogue);
  if (!category) throw notFound("template");
  return templateRequest(
    { category, template, count, seed, model: null, maxCostMicros: null, parameters: {} },
    {
      requestId: "req_preview",
      source: "api",
      seed,
      wantedProvider: deps.provider,
      localDate: deps.today(),
      createdAtMs: deps.clock(),
    },
  );
}

function categoryWith(template: string, { categories }: Pick<Catalogue, "categories">) {
  return categories.find(({ templates }) => templates.some(({ name }) => name === template))?.name;
}
