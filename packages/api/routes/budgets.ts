/** @module Budgets: what is left in each scope, and changing a limit. */
import { budgetReport, changeBudget } from "@atelier/core/budget";
import { budgetDocumentSchema } from "@atelier/core/document";
import { microsFromUsd } from "@atelier/core/money";
import * as z from "zod";
import type { ApiApp } from "../context.ts";
import type { ApiDeps } from "../deps.ts";
import { listOf } from "../fields.ts";
import { found } from "../found.ts";
import { declared } from "../route.ts";

const budgetSchema = budgetDocumentSchema.meta({
  id: "Budget",
  description: "What may be spent in a scope, and what is left of it. Amounts in US dollars.",
});
const budgetList = listOf(budgetSchema, "BudgetList");

/** Beyond it somebody has mistyped. */
const LIMIT_USD_MAX = 1_000_000;
const limitSchema = z.number().min(0).max(LIMIT_USD_MAX).nullable().meta({
  description:
    "What may be spent in the day or month that runs, in US dollars with at most six decimals; null takes the limit of a provider or category away.",
});

const scopeSchema = z
  .string()
  .regex(
    /^(day|month|(provider|category):[a-z0-9_]{1,64})$/,
    "must be day, month, provider:NAME or category:NAME",
  )
  .meta({
    description: "Whose limit: `day`, `month`, or within the month `provider:NAME` or `category:NAME`.",
    example: "provider:replicate",
  });

const listBudgets = declared({
  method: "get",
  path: "/v1/budgets",
  operationId: "listBudgets",
  tags: ["budgets"],
  summary: "What is left in each scope",
  scope: "budgets:read",
  request: {},
  responses: {
    200: {
      description: "The day, the month, then caps by name.",
      content: { "application/json": { schema: budgetList } },
    },
  },
  problems: [],
});

const setLimit = declared({
  method: "put",
  path: "/v1/budgets/{scope}",
  operationId: "setBudget",
  tags: ["budgets"],
  summary: "Change a limit",
  description: "Of the day or month that runs. What was spent stays spent; the change is audited.",
  scope: "budgets:write",
  request: {
    params: z.object({ scope: scopeSchema }),
    body: {
      required: true,
      content: {
        "application/json": {
          schema: z
            .strictObject({
              limit: limitSchema,
              expected: limitSchema.optional().meta({
                description:
                  "The limit as you read it: another one by now is refused. Left out: whatever it is.",
              }),
            })
            .meta({ id: "BudgetChange", description: "Another limit for a scope." }),
          example: { limit: 25, expected: 10 },
        },
      },
    },
  },
  responses: {
    200: { description: "All budgets after it.", content: { "application/json": { schema: budgetList } } },
  },
  problems: ["UsageError", "PreconditionFailed", "LedgerBusy"],
});

export function addBudgetRoutes(app: ApiApp): void {
  app.openapi(listBudgets, async (c) => c.json(await budgets(c.var.deps), 200));

  app.openapi(setLimit, async (c) => {
    const { deps } = c.var;
    const { limit, expected } = c.req.valid("json");
    const change = {
      account: deps.account,
      localDate: deps.today(),
      scope: c.req.valid("param").scope,
      limitMicros: microsOf(limit, "limit"),
      ...(expected !== undefined && { expectedMicros: microsOf(expected, "expected") }),
    };
    await found("budget", changeBudget(change, deps));
    return c.json(await budgets(deps), 200);
  });
}

async function budgets(deps: ApiDeps) {
  return { items: await budgetReport(deps.account, deps.today(), deps), next_cursor: null };
}

function microsOf(usd: number | null, where: string): number | null {
  return usd === null ? null : microsFromUsd(usd, where);
}
