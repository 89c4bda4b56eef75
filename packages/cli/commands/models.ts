/** @module `atelier models`: what makes the pictures, for how much, and what each may be asked for. */
import { modelDocument } from "@atelier/core/catalogue-document";
import type { ModelReport } from "@atelier/core/model-report";
import { formatUsd } from "@atelier/core/money";
import type { Command } from "commander";
import { EXIT } from "../exit-codes.ts";
import { type Output, printable } from "../output.ts";
import { type Act, addExamples } from "./shared.ts";

export function addModels(program: Command, act: Act): void {
  const command = program
    .command("models")
    .summary("models with price, sizes, terms by rating, and how they have done")
    .description(
      "Lists the models: price, sizes, which ratings their terms allow, since when and why, how they have done lately, and what their provider's account may do now.",
    )
    .option("--probe", "asks each provider whether it serves the model, and what is left on the account")
    .action(({ probe = false }: { probe?: boolean }) =>
      act((session) =>
        session.withAtelier(async (atelier) => {
          const { output, json } = session;
          const reports = await atelier.models({ probe });
          if (json) for (const report of reports) output.document(modelDocument(report));
          else output.text(reports.map((report) => modelBlock(report, output)).join("\n\n"));
          for (const { message } of await atelier.attest.expiring()) output.note(`Warning: ${message}.`);
          return EXIT.done;
        }),
      ),
    );
  addExamples(command, [
    "atelier models",
    "atelier models --provider replicate --probe",
    "atelier models --json",
  ]);
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
  lines.push(...healthLines(report, output));
  for (const terms of report.ratings) {
    const decision = output.paint(terms.allowed ? "green" : "red", terms.allowed ? "allowed" : "denied ");
    const facts = [terms.date, terms.reason, terms.source].filter((fact) => fact !== "").map(printable);
    lines.push(`   ${terms.rating.padEnd("suggestive".length)}  ${decision}  ${facts.join("  ")}`);
  }
  return lines.join("\n");
}

function healthLines({ health, account, probed }: ModelReport, output: Output): string[] {
  const lines: string[] = [];
  if (health !== null && health.ended > 0) {
    const facts = [
      `${health.ended} ended, ${percent(health.successRate ?? 0)} well`,
      health.p50Seconds === null
        ? ""
        : `p50 ${health.p50Seconds.toFixed(1)} s, p95 ${(health.p95Seconds ?? 0).toFixed(1)} s`,
      `${formatUsd(health.spentMicros)} spent`,
      health.meanQuality === null ? "" : `quality ${health.meanQuality.toFixed(0)}`,
      health.consecutiveFailures === 0 ? "" : `${health.consecutiveFailures} failed in a row`,
    ];
    lines.push(`   lately: ${facts.filter((fact) => fact !== "").join("; ")}`);
  }
  if (health?.problem) lines.push(`   ${output.paint("yellow", "passed over")}: ${health.problem}`);
  if (account && account.circuit !== "closed") {
    const until = account.openUntilMs === null ? "" : ` until ${new Date(account.openUntilMs).toISOString()}`;
    lines.push(`   ${output.paint("red", "provider resting")}: its breaker is ${account.circuit}${until}`);
  }
  for (const [period, { used, limit }] of Object.entries({
    day: account?.day,
    month: account?.month,
  }).flatMap(([period, quota]) => (quota ? [[period, quota] as const] : []))) {
    if (limit !== null)
      lines.push(`   quota of the ${period}: ${used} of ${limit} (${percent(used / limit)})`);
  }
  if (probed !== null) {
    const balance =
      probed.balanceMicros === null ? "" : `; ${formatUsd(probed.balanceMicros)} left on the account`;
    lines.push(
      `   probed: ${printable(probed.said || (probed.served ?? "the provider has no such question"))}${balance}`,
    );
  }
  return lines;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
