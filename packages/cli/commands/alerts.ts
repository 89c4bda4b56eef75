/** @module `atelier alerts`: what rings, since when, and what to do about it. */
import { type AlarmReport, alarmDocument } from "@atelier/core/alarms";
import type { Command } from "commander";
import { EXIT } from "../exit-codes.ts";
import { type Output, printable } from "../output.ts";
import { type Act, addExamples } from "./shared.ts";

export function addAlerts(program: Command, act: Act): void {
  const command = program
    .command("alerts")
    .summary("alarms that ring")
    .description(
      "Looks at providers, budgets, quotas, the plan and open work, and lists the alarms that ring, each with the section of docs/operations.md that says what to do.",
    )
    .option("--all", "the quiet ones too")
    .action(({ all = false }: { all?: boolean }) =>
      act((session) =>
        session.withMadeAtelier(async (atelier) => {
          const { output, json } = session;
          const reports = await atelier.alerts();
          const ringing = reports.filter(({ state }) => state === "ringing");
          const shown = all ? reports : ringing;
          if (json) for (const report of shown) output.document(alarmDocument(report));
          else if (shown.length > 0)
            output.text(shown.map((report) => alarmBlock(report, output)).join("\n"));
          if (!json && ringing.length === 0) output.text("No alarm rings.");
          return EXIT.done;
        }),
      ),
    );
  addExamples(command, ["atelier alerts", "atelier alerts --all", "atelier alerts --json"]);
}

function alarmBlock(
  { alarm, state, severity, sinceMs, message, runbook }: AlarmReport,
  output: Output,
): string {
  const colour = state === "ok" ? "green" : severity === "critical" ? "red" : "yellow";
  if (state === "ok") return `${output.paint(colour, "quiet")}  ${alarm}`;
  const since = sinceMs === null ? "" : `  since ${new Date(sinceMs).toISOString()}`;
  return [
    `${output.paint(colour, severity)}  ${output.paint("bold", alarm)}${since}`,
    `   ${printable(message)}`,
    `   See ${runbook}`,
  ].join("\n");
}
