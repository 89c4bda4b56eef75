/** @module The calendar: what a day asks for, and what of it has fired. */
import { categoryNameSchema } from "@atelier/core/catalogue";
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
  .meta({ example: "monday_lingerie@2026-11-23" });

const plannedSchema = z
  .object({
    occurrence_id: z.string(),
    entry: z.string(),
    scheduled_at: z.string().meta({ description: "RFC 3339 in UTC." }),
    action: z.enum(["generate", "reconcile-and-report"]),
    category: categoryNameSchema.nullable(),
    count: z.int(),
    request_id: z.string().nullable().meta({ description: "Null until it has fired." }),
    variations: z.array(variationSchema),
  })
  .meta({ id: "PlannedOccurrence" });

const occurrenceSchema = z
  .object({
    occurrence_id: z.string(),
    entry: z.string(),
    local_date: z.string(),
    scheduled_at: z.string().meta({ description: "RFC 3339 in UTC." }),
    category: categoryNameSchema.nullable(),
    count: z.int(),
    request_id: z.string().nullable(),
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
