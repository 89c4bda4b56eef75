/** @module The documents of the catalogue, in the snake_case of the public contract: models and templates. */
import * as z from "zod";
import {
  type Catalogue,
  type Category,
  categoryNameSchema,
  type Model,
  type Parameters,
  providerNameSchema,
  ratingSchema,
  type Template,
} from "./catalogue.ts";
import type { ModelReport } from "./model-report.ts";
import { MICROS_PER_USD, usdFromMicros } from "./money.ts";
import { priceOf } from "./price.ts";
import { combinationsOf } from "./template.ts";

/** US dollars: what lists say, and what it can cost at most. */
const pricedSchema = z.object({ list: z.number(), most: z.number() });
const quotaSchema = z.object({ used: z.int(), limit: z.int().nullable(), share: z.number().nullable() });

export const modelDocumentSchema = z.object({
  name: z.string(),
  provider: providerNameSchema,
  version: z.string().nullable(),
  /** Null while unknown. */
  price: pricedSchema.nullable(),
  offered: z.boolean(),
  /** Why not; empty when offered. */
  reason: z.string(),
  sizes: z.string(),
  typical_seconds: z.number(),
  terms: z.array(
    z.object({
      rating: ratingSchema,
      allowed: z.boolean(),
      reason: z.string(),
      /** yyyy-mm-dd on which the source was read; empty without terms. */
      date: z.string(),
      source: z.string(),
    }),
  ),
  /** The last 14 days; null without an attempt. */
  health: z
    .object({
      ended: z.int(),
      success_rate: z.number().nullable(),
      p50_seconds: z.number().nullable(),
      p95_seconds: z.number().nullable(),
      consecutive_failures: z.int(),
      spent: z.number(),
      mean_cost: z.number().nullable(),
      mean_quality: z.number().nullable(),
      problem: z.string().nullable(),
    })
    .nullable(),
  /** How its provider's account stands. */
  account: z
    .object({
      circuit: z.string(),
      open_until: z.string().nullable(),
      day: quotaSchema,
      month: quotaSchema,
      running: z.int(),
      rest_until: z.string().nullable(),
    })
    .nullable(),
  /** What the provider itself said just now; null unless it was asked. */
  probed: z
    .object({
      served: z.enum(["available", "gone", "unknown"]).nullable(),
      balance: z.number().nullable(),
      said: z.string(),
    })
    .nullable(),
});
export type ModelDocument = z.infer<typeof modelDocumentSchema>;

export const templateDocumentSchema = z.object({
  category: categoryNameSchema,
  rating: ratingSchema,
  /** Null for a category that takes prompts of one's own only. */
  template: z.string().nullable(),
  description: z.string(),
  /** How many different prompts the slots give. */
  combinations: z.number().nullable(),
  price: pricedSchema.nullable(),
  tags: z.array(z.string()),
  slots: z.record(z.string(), z.array(z.string())),
  parameters: z
    .object({ width: z.int(), height: z.int(), steps: z.int(), guidance_scale: z.number() })
    .nullable(),
  models: z.array(z.string()),
});
export type TemplateDocument = z.infer<typeof templateDocumentSchema>;

export function modelDocument(report: ModelReport): ModelDocument {
  return {
    name: report.name,
    provider: report.provider,
    version: report.version,
    price:
      report.listMicros === null
        ? null
        : {
            list: usdFromMicros(report.listMicros),
            most: usdFromMicros(report.mostMicros ?? report.listMicros),
          },
    offered: report.offered,
    reason: report.reason,
    sizes: report.sizes,
    typical_seconds: report.typicalSeconds,
    terms: [...report.ratings],
    health: report.health && {
      ended: report.health.ended,
      success_rate: report.health.successRate,
      p50_seconds: report.health.p50Seconds,
      p95_seconds: report.health.p95Seconds,
      consecutive_failures: report.health.consecutiveFailures,
      spent: usdFromMicros(report.health.spentMicros),
      mean_cost: report.health.meanCostMicros === null ? null : report.health.meanCostMicros / MICROS_PER_USD,
      mean_quality: report.health.meanQuality,
      problem: report.health.problem,
    },
    account: report.account && {
      circuit: report.account.circuit,
      open_until: instant(report.account.openUntilMs),
      day: quotaDocument(report.account.day),
      month: quotaDocument(report.account.month),
      running: report.account.running,
      rest_until: instant(report.account.restUntilMs),
    },
    probed: report.probed && {
      served: report.probed.served,
      balance: report.probed.balanceMicros === null ? null : usdFromMicros(report.probed.balanceMicros),
      said: report.probed.said,
    },
  };
}

function quotaDocument({ used, limit }: { used: number; limit: number | null }) {
  return { used, limit, share: limit === null ? null : used / limit };
}

/** RFC 3339 in UTC. */
function instant(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString();
}

/** One template of a category; of a category without any (a free prompt), the names are null. */
export function templateDocument(
  category: Category,
  template: Template | null,
  models: readonly Model[],
): TemplateDocument {
  return {
    category: category.name,
    rating: category.rating,
    template: template?.name ?? null,
    description: template?.description ?? category.description,
    combinations: template === null ? null : Number(combinationsOf(template)),
    price: template === null ? null : priceOfTemplate(template, models),
    tags: template?.tags ?? [],
    slots: template === null ? {} : wordsOfSlots(template),
    parameters: template === null ? null : parametersDocument(template.parameters),
    models: template?.models ?? [],
  };
}

function wordsOfSlots(template: Template): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(template.slots).map(([slot, values]) => [slot, values.map((value) => value.text)]),
  );
}

/** Every template of the catalogue; a category without any gives one line of its own. */
export function templateDocuments({
  categories,
  models,
}: Pick<Catalogue, "categories" | "models">): TemplateDocument[] {
  return categories.flatMap((category) =>
    category.templates.length === 0
      ? [templateDocument(category, null, models)]
      : category.templates.map((template) => templateDocument(category, template, models)),
  );
}

function parametersDocument(parameters: Parameters) {
  const { guidanceScale, ...others } = parameters;
  return { ...others, guidance_scale: guidanceScale };
}

/** Of the first model that the template names and that can be bought, else of the cheapest that is not one's own machine's. */
function priceOfTemplate(
  template: Template,
  models: readonly Model[],
): { list: number; most: number } | null {
  const priced = models.flatMap((model) => {
    const price = model.buyable ? priceOf(model, template.parameters) : null;
    return price === null ? [] : [{ name: model.name, ...price }];
  });
  const named = template.models.flatMap((name) => priced.filter((model) => model.name === name));
  const cheapest = priced
    .filter(({ listMicros }) => listMicros > 0)
    .toSorted((one, other) => one.listMicros - other.listMicros);
  const price = named[0] ?? cheapest[0];
  return price ? { list: usdFromMicros(price.listMicros), most: usdFromMicros(price.mostMicros) } : null;
}
