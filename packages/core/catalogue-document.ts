/** @module The documents of the catalogue, in the snake_case of the public contract: models and templates. */
import * as z from "zod";
import {
  type Catalogue,
  type Category,
  categoryNameSchema,
  DEFAULT_PARAMETERS,
  type Model,
  type Parameters,
  providerNameSchema,
  ratingSchema,
  type Template,
} from "./catalogue.ts";
import { parametersDocumentSchema } from "./document.ts";
import { instant, pricedSchema } from "./document-fields.ts";
import type { ModelReport } from "./model-report.ts";
import { MICROS_PER_USD, usdFromMicros } from "./money.ts";
import { priceOf } from "./price.ts";
import { combinationsOf } from "./template.ts";

const { width, height, steps } = DEFAULT_PARAMETERS;

const quotaSchema = z.object({
  used: z.int().describe("Creates so far; counted only where there is a limit."),
  limit: z.int().nullable().describe("How many creates there may be; null: no such limit."),
  share: z.number().nullable().describe("Used of the limit, from 0; null without a limit."),
});

export const modelDocumentSchema = z.object({
  name: z.string().describe("Catalogue name: what `model` of a request takes."),
  provider: providerNameSchema.describe("Who sells it; the sandbox imitates those of `replicate`."),
  version: z
    .string()
    .nullable()
    .describe("The provider's version that is pinned; null for a model without versions."),
  price: pricedSchema
    .nullable()
    .describe(
      `Of one picture of ${width} x ${height} with ${steps} steps, in US dollars; null while unknown, and then nothing is bought.`,
    ),
  offered: z.boolean().describe("Whether it can be bought here."),
  reason: z.string().describe("Why it is not offered; empty when it is."),
  sizes: z
    .string()
    .describe("The sizes that it makes, in words: a range of pixels, sizes, or ratios of the edges."),
  typical_seconds: z.number().describe("Seconds that a picture usually takes, as the catalogue says."),
  terms: z
    .array(
      z.object({
        rating: ratingSchema,
        allowed: z.boolean().describe("Whether pictures of the rating may be made with it."),
        reason: z.string().describe("One sentence for people."),
        date: z.string().describe("When the source was read, yyyy-mm-dd; empty without terms."),
        source: z
          .string()
          .describe("Where the terms or the licence stand, or who attests them; empty without terms."),
      }),
    )
    .describe("What the provider's terms and the model's licence allow together, a line for each rating."),
  health: z
    .object({
      ended: z.int().describe("Attempts that ended with a picture or by a fault of the provider."),
      success_rate: z.number().nullable().describe("Pictures among those, 0 to 1; null before the first."),
      p50_seconds: z
        .number()
        .nullable()
        .describe("Half of the pictures took no longer, in seconds from the create; null with none."),
      p95_seconds: z
        .number()
        .nullable()
        .describe("95 of 100 pictures took no longer, in seconds from the create; null with none."),
      consecutive_failures: z.int().describe("Attempts that failed since the last picture."),
      spent: z.number().describe("What all attempts were charged, in US dollars."),
      mean_cost: z
        .number()
        .nullable()
        .describe("What a picture was charged on average, in US dollars; null with fewer than five."),
      mean_quality: z
        .number()
        .nullable()
        .describe("Measured quality on average, 0 to 100; null with fewer than five pictures."),
      problem: z
        .string()
        .nullable()
        .describe("Why it is passed over while another model can be had; null: it is well."),
    })
    .nullable()
    .describe("How it has done in the last 14 days; null without an attempt."),
  account: z
    .object({
      circuit: z
        .string()
        .describe(
          "`closed`: creates are sent; `open`: the provider failed or refused the account, and is left alone; `half-open`: one attempt tries whether it does again.",
        ),
      open_until: instant("Until when it is left alone; null while the circuit is closed.").nullable(),
      day: quotaSchema.describe("The provider's own quota of the local day."),
      month: quotaSchema.describe("The provider's own quota of the local month."),
      running: z.int().describe("Jobs that run there; counted only where their number is limited."),
      rest_until: instant("Until when the provider asked to be spared; null: it did not.").nullable(),
    })
    .nullable()
    .describe("How the account at its provider stands; null where nothing is known of it."),
  probed: z
    .object({
      served: z
        .enum(["available", "gone", "unknown"])
        .nullable()
        .describe("Whether the provider still has it; null where it cannot be asked or did not answer."),
      balance: z
        .number()
        .nullable()
        .describe("What the account has left, in US dollars; null where the provider does not tell."),
      said: z.string().describe("Why nothing is known; empty otherwise."),
    })
    .nullable()
    .describe("What the provider itself said just now; null unless it was asked."),
});
export type ModelDocument = z.infer<typeof modelDocumentSchema>;

export const templateDocumentSchema = z.object({
  category: categoryNameSchema,
  rating: ratingSchema.describe("Of the category; words of the prompt may raise it."),
  template: z
    .string()
    .nullable()
    .describe("The template's name; null for a category that takes prompts of one's own only."),
  description: z.string().describe("What it shows, in a few words."),
  combinations: z
    .number()
    .nullable()
    .describe("How many different prompts its slots give, before one comes again; null without a template."),
  price: pricedSchema
    .nullable()
    .describe(
      "Of one picture by the first of `models` that can be bought, else by the cheapest model, in US dollars; null without one.",
    ),
  tags: z.array(z.string()).describe("What every picture of it is found by."),
  slots: z
    .record(z.string(), z.array(z.string()))
    .describe("The places of its prompt, each with the words that may stand there."),
  parameters: parametersDocumentSchema
    .omit({ seed: true })
    .nullable()
    .describe("What its pictures are asked with unless a request says otherwise; null without a template."),
  models: z
    .array(z.string())
    .describe("The models that it names, the best first; others follow by quality and price."),
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
      open_until: instantText(report.account.openUntilMs),
      day: quotaDocument(report.account.day),
      month: quotaDocument(report.account.month),
      running: report.account.running,
      rest_until: instantText(report.account.restUntilMs),
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
function instantText(atMs: number | null): string | null {
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
