/** @module `atelier metrics`: how each model has done. */
import { type ModelMetrics, metricsDocument } from "@atelier/core/metrics";
import { formatUsd } from "@atelier/core/money";
import type { Command } from "commander";
import { EXIT } from "../exit-codes.ts";
import { renderTable } from "../table.ts";
import { type Act, addDateOption, addExamples } from "./shared.ts";

export function addMetrics(program: Command, act: Act): void {
  const command = program
    .command("metrics")
    .summary("count, success, seconds, cost and quality of each model")
    .description(
      "Lists how each model has done: attempts that ended, how many of them well, how long pictures took, what was spent, and their measured quality.",
    );
  addDateOption(command, "since", "the first day that counts (default: 14 days ago)");
  command.action(({ since }: { since?: string }) =>
    act((session) =>
      session.withMadeAtelier(async (atelier) => {
        const { output, json } = session;
        const { models, partial } = await atelier.metrics(since ?? null);
        if (json) for (const model of models) output.document(metricsDocument(model));
        else if (models.length === 0) output.text("Nothing was asked of a provider in that time.");
        else output.text(renderTable(COLUMNS, models.map(cellsOf), output));
        for (const provider of partial) {
          output.note(`Of ${provider} only the newest 10,000 attempts were looked at.`);
        }
        return EXIT.done;
      }),
    ),
  );
  addExamples(command, ["atelier metrics", "atelier metrics --since 2026-11-01 --json"]);
}

const COLUMNS = [
  { title: "provider", style: () => "bold" as const },
  { title: "model", style: () => "bold" as const },
  { title: "count", align: "right" },
  { title: "success", align: "right" },
  { title: "p50 s", align: "right" },
  { title: "p95 s", align: "right" },
  { title: "cost", align: "right" },
  { title: "quality", align: "right" },
] as const;

function cellsOf(metrics: ModelMetrics): string[] {
  const { provider, model, count, successRate, p50Seconds, p95Seconds, costMicros, quality } = metrics;
  const number = (value: number | null, digits: number) => (value === null ? "-" : value.toFixed(digits));
  return [
    provider,
    model,
    String(count),
    successRate === null ? "-" : `${Math.round(successRate * 100)} %`,
    number(p50Seconds, 1),
    number(p95Seconds, 1),
    formatUsd(costMicros),
    number(quality, 0),
  ];
}
