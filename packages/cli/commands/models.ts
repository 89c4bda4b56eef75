/** @module `atelier models`: what makes the pictures, for how much, and what each may be asked for. */
import { formatUsd } from "@atelier/core/money";
import type { ModelReport } from "@atelier/local/facade";
import type { Command } from "commander";
import { modelDocument } from "../documents.ts";
import { EXIT } from "../exit-codes.ts";
import { type Output, printable } from "../output.ts";
import { type Act, addExamples } from "./shared.ts";

export function addModels(program: Command, act: Act): void {
  const command = program
    .command("models")
    .summary("models with price, sizes, and terms by rating")
    .description("Lists the models: price, sizes, and which ratings their terms allow, since when and why.")
    .action(() =>
      act((session) =>
        session.withAtelier(async (atelier) => {
          const { output, json } = session;
          const reports = await atelier.models();
          if (json) for (const report of reports) output.document(modelDocument(report));
          else output.text(reports.map((report) => modelBlock(report, output)).join("\n\n"));
          return EXIT.done;
        }),
      ),
    );
  addExamples(command, ["atelier models", "atelier models --provider replicate", "atelier models --json"]);
}

function modelBlock(report: ModelReport, output: Output): string {
  const price = report.listMicros === null ? "no price" : formatUsd(report.listMicros);
  const most =
    report.mostMicros === null || report.mostMicros === report.listMicros
      ? ""
      : ` (at most ${formatUsd(report.mostMicros)})`;
  const lines = [
    `${output.paint("bold", report.name)}  ${report.provider}  ${price}${most}  about ${report.typicalSeconds} s`,
    `   sizes: ${printable(report.sizes)}`,
  ];
  if (!report.offered) lines.push(`   ${output.paint("yellow", "not offered")}: ${printable(report.reason)}`);
  for (const terms of report.ratings) {
    const decision = output.paint(terms.allowed ? "green" : "red", terms.allowed ? "allowed" : "denied ");
    const facts = [terms.date, terms.reason, terms.source].filter((fact) => fact !== "").map(printable);
    lines.push(`   ${terms.rating.padEnd("suggestive".length)}  ${decision}  ${facts.join("  ")}`);
  }
  return lines.join("\n");
}
