/** @module How each model has done since a time. */
import { providerNameSchema } from "@atelier/core/catalogue";
import { instant } from "@atelier/core/document-fields";
import { metricsDocument, metricsSince } from "@atelier/core/metrics";
import * as z from "zod";
import type { ApiApp } from "../context.ts";
import { listOf } from "../fields.ts";
import { malformed } from "../problem.ts";
import { declared } from "../route.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const SINCE_DAYS_DEFAULT = 14;

const modelMetricsSchema = z
  .object({
    provider: providerNameSchema,
    model: z.string().meta({ description: "Catalogue name." }),
    count: z.int().meta({ description: "Attempts that ended with a picture or by a fault of the provider." }),
    success_rate: z
      .number()
      .nullable()
      .meta({ description: "Pictures among those, 0 to 1; null before the first has ended." }),
    seconds_p50: z.number().nullable().meta({
      description: "Half of the pictures took no longer, in seconds from the create; null with none.",
    }),
    seconds_p95: z.number().nullable().meta({
      description: "95 of 100 pictures took no longer, in seconds from the create; null with none.",
    }),
    cost: z.number().meta({ description: "What all attempts were charged, in US dollars." }),
    quality: z
      .number()
      .nullable()
      .meta({ description: "Measured quality of the pictures on average, 0 to 100; null with none." }),
  })
  .meta({ id: "ModelMetrics", description: "How one model of one provider has done." });

const getMetrics = declared({
  method: "get",
  path: "/v1/metrics",
  operationId: "getMetrics",
  tags: ["operations"],
  summary: "How each model has done",
  description: "Attempts that have ended, success rate, seconds, cost and quality, of everybody's images.",
  scope: "metrics:read",
  request: {
    query: z.strictObject({
      since: z
        .union([z.iso.date(), z.iso.datetime({ offset: true })], {
          error: "must be a date or an RFC 3339 time",
        })
        .optional()
        .meta({
          type: "string",
          description: `From when on: a day, which begins at midnight in UTC, or an RFC 3339 time. Left out: ${SINCE_DAYS_DEFAULT} days ago.`,
          example: "2026-11-22",
        }),
    }),
  },
  responses: {
    200: {
      description: "A line for each provider and model that has attempts.",
      content: {
        "application/json": {
          schema: listOf(modelMetricsSchema, "ModelMetricsList").extend({
            since: instant("From when on attempts were looked at."),
            partial: z
              .array(z.string())
              .meta({ description: "Providers of whose attempts only the newest were looked at." }),
          }),
        },
      },
    },
  },
  problems: [],
});

export function addMetricsRoutes(app: ApiApp): void {
  app.openapi(getMetrics, async (c) => {
    const { deps } = c.var;
    const { since } = c.req.valid("query");
    const sinceMs = since === undefined ? deps.clock() - SINCE_DAYS_DEFAULT * DAY_MS : Date.parse(since);
    if (sinceMs > deps.clock()) throw malformed("query /since: must not be in the future.");
    const { models, partial } = await metricsSince(sinceMs, deps);
    return c.json(
      {
        items: models.map(metricsDocument),
        next_cursor: null,
        since: new Date(sinceMs).toISOString(),
        partial: [...partial],
      },
      200,
    );
  });
}
