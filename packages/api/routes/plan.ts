/** @module The calendar: what a day asks for, and what of it has fired. */
import { categoryNameSchema } from "@atelier/core/catalogue";
import { instant } from "@atelier/core/document-fields";
import { planEntryOf, plannedOn } from "@atelier/core/plan-report";
import type { Occurrence } from "@atelier/core/request";
import * as z from "zod";
import type { ApiApp } from "../context.ts";
import { listOf } from "../fields.ts";
import { notFound } from "../problem.ts";
import { declared } from "../route.ts";
import { shownVariation, variationSchema } from "../variation-view.ts";

const dateQuery = z.strictObject({
  date: z.iso.date().optional().meta({ description: "yyyy-mm-dd, local; left out: today." }),
});
const occurrenceIdSchema = z
  .string()
  .regex(/^[a-z0-9_]{1,64}@\d{4}-\d{2}-\d{2}$/, "must be an occurrence's id")
  .meta({
    description: "An occurrence's id: the entry's name and the local day.",
    example: "monday_lingerie@2026-11-23",
  });

const firing = {
  occurrence_id: z.string().meta({ description: "The entry's name and the local day: each fires once." }),
  entry: z.string().meta({ description: "Name of the calendar's entry." }),
  scheduled_at: instant("When it is due."),
  category: categoryNameSchema
    .nullable()
    .meta({ description: "What kind of picture it asks for; null for an entry that makes none." }),
  count: z.int().meta({ description: "How many pictures it asks for." }),
};

const plannedSchema = z
  .object({
    ...firing,
    action: z.enum(["generate", "reconcile-and-report"]).meta({
      description: "`generate` makes pictures; `reconcile-and-report` settles what is open, and reports.",
    }),
    request_id: z
      .string()
      .nullable()
      .meta({ description: "The request that it made; null until it has fired, and where it makes none." }),
    variations: z.array(variationSchema).meta({ description: "Each of its pictures beforehand." }),
  })
  .meta({
    id: "PlannedOccurrence",
    description: "An entry of the calendar on a day, whether or not it has fired.",
  });

const occurrenceSchema = z
  .object({
    ...firing,
    local_date: z.string().meta({ description: "The local day that it belongs to, yyyy-mm-dd." }),
    request_id: z
      .string()
      .nullable()
      .meta({ description: "The request that it made; null where it makes none." }),
  })
  .meta({ id: "Occurrence", description: "An entry of the calendar that has fired." });

const getPlan = declared({
  method: "get",
  path: "/v1/plan",
  operationId: "getPlan",
  tags: ["plan"],
  summary: "What the calendar asks for on a day",
  description:
    "With each picture beforehand; `prompt` is null without the scope `prompts:read`. Nothing is made.",
  scope: "plan:read",
  request: { query: dateQuery },
  responses: {
    200: {
      description: "In the order of their times.",
      content: { "application/json": { schema: listOf(plannedSchema, "Plan") } },
    },
  },
  problems: ["UsageError"],
});

const listOccurrences = declared({
  method: "get",
  path: "/v1/occurrences",
  operationId: "listOccurrences",
  tags: ["plan"],
  summary: "What of a day's plan has fired",
  scope: "plan:read",
  request: { query: dateQuery },
  responses: {
    200: {
      description: "In the order of their times.",
      content: { "application/json": { schema: listOf(occurrenceSchema, "OccurrenceList") } },
    },
  },
  problems: ["UsageError"],
});

const getOccurrence = declared({
  method: "get",
  path: "/v1/occurrences/{id}",
  operationId: "getOccurrence",
  tags: ["plan"],
  summary: "One that has fired",
  scope: "plan:read",
  request: { params: z.object({ id: occurrenceIdSchema }) },
  responses: {
    200: { description: "The occurrence.", content: { "application/json": { schema: occurrenceSchema } } },
  },
  problems: [],
});

export function addPlanRoutes(app: ApiApp): void {
  app.openapi(getPlan, async (c) => {
    const { deps } = c.var;
    const { date = deps.today() } = c.req.valid("query");
    const items = (await plannedOn(date, deps)).map((planned) => {
      const entry = planEntryOf(planned, deps);
      return {
        occurrence_id: entry.occurrenceId,
        entry: entry.entry,
        scheduled_at: entry.scheduledAt,
        action: entry.action,
        category: entry.category,
        count: entry.count,
        request_id: planned.fired?.requestId ?? null,
        variations: entry.variations.map((variation) => shownVariation(variation, c)),
      };
    });
    return c.json({ items, next_cursor: null }, 200);
  });

  app.openapi(listOccurrences, async (c) => {
    const { deps } = c.var;
    const { date = deps.today() } = c.req.valid("query");
    const planned = await plannedOn(date, deps);
    const items = planned.flatMap(({ fired }) => (fired ? [occurrenceDocument(fired)] : []));
    return c.json({ items, next_cursor: null }, 200);
  });

  app.openapi(getOccurrence, async (c) => {
    const occurrence = await c.var.deps.requests.occurrences.get(c.req.valid("param").id);
    if (!occurrence) throw notFound("occurrence that has fired");
    return c.json(occurrenceDocument(occurrence), 200);
  });
}

function occurrenceDocument(occurrence: Occurrence): z.infer<typeof occurrenceSchema> {
  return {
    occurrence_id: occurrence.occurrenceId,
    entry: occurrence.entry,
    local_date: occurrence.localDate,
    scheduled_at: new Date(occurrence.scheduledAtMs).toISOString(),
    category: occurrence.category,
    count: occurrence.count,
    request_id: occurrence.requestId,
  };
}
