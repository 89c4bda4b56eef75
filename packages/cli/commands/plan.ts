/** @module `atelier plan`: what the calendar asks for on a day, or making it. */
import { formatUsd } from "@atelier/core/money";
import type { PlannedEntry } from "@atelier/core/plan-report";
import type { Command } from "commander";
import { microsOf } from "../documents.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { countOf } from "../image-report.ts";
import { produce } from "../produce.ts";
import type { Session } from "../session.ts";
import { renderTable } from "../table.ts";
import { reportVariations } from "../variation-report.ts";
import { type Act, addDateOption, addExamples } from "./shared.ts";

interface PlanOptions {
  readonly date?: string;
  readonly run?: boolean;
}

export function addPlan(program: Command, act: Act): void {
  const command = program
    .command("plan")
    .summary("what the calendar asks for on a day; --run produces it")
    .description(
      "What the calendar asks for on a day. With --run it is produced; a second time shows what is there.",
    );
  addDateOption(command, "date", "a day such as 2026-11-22 (default: today)")
    .option("--run", "produce the images")
    .action((options: PlanOptions) =>
      act((session) => (options.run ? runPlan(session, options) : showPlan(session, options))),
    );
  addExamples(command, [
    "atelier plan",
    "atelier plan --date 2026-11-23 --json",
    "atelier plan --run --data ./pictures",
  ]);
}

function runPlan(session: Session, options: PlanOptions): Promise<ExitCode> {
  return produce(
    session,
    (atelier, run) => atelier.runPlan(options.date ?? atelier.today(), run),
    (atelier) => `The calendar asks for no images on ${options.date ?? atelier.today()}.`,
  );
}

function showPlan(session: Session, options: PlanOptions): Promise<ExitCode> {
  return session.withAtelier(async (atelier) => {
    const date = options.date ?? atelier.today();
    const entries = await atelier.plan(date);
    const variations = entries.flatMap((entry) => entry.variations);
    if (session.json) return reportVariations(variations, null, session);

    const { output } = session;
    if (entries.length === 0) {
      output.text(`The calendar asks for nothing on ${date}.`);
      return EXIT.done;
    }
    output.text(entryTable(entries, atelier.catalogue.schedule.timezone, session));
    if (variations.length === 0) return EXIT.done;
    output.text("");
    const exitCode = reportVariations(variations, null, session);
    output.text(`\`atelier plan --date ${date} --run\` produces ${variations.length === 1 ? "it" : "them"}.`);
    return exitCode;
  });
}

function entryTable(entries: readonly PlannedEntry[], timezone: string, { output }: Session): string {
  const time = new Intl.DateTimeFormat("en-GB", { timeStyle: "short", timeZone: timezone });
  return renderTable(
    [
      { title: "time" },
      { title: "entry", minColumns: 8 },
      { title: "asks for" },
      { title: "list price", align: "right" },
    ],
    entries.map((entry) => [
      time.format(new Date(entry.scheduledAt)),
      entry.entry,
      entry.action === "generate"
        ? `${countOf(entry.count, "image")} of ${entry.category ?? "-"}`
        : "reconcile and report",
      entry.action === "generate"
        ? formatUsd(entry.variations.reduce((total, { price }) => total + microsOf(price?.list ?? 0), 0))
        : "-",
    ]),
    output,
  );
}
