/** @module `atelier requests`: what was asked for, and how far it is. */
import { formatUsd } from "@atelier/core/money";
import { REQUEST_STATUSES, type RequestStatus, type RequestSummary } from "@atelier/core/request-document";
import type { Command } from "commander";
import { microsOf } from "../documents.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { oneOf } from "../options.ts";
import type { Session } from "../session.ts";
import { renderTable } from "../table.ts";
import { type Act, addExamples, addLimitOption } from "./shared.ts";

interface RequestsOptions {
  readonly status?: RequestStatus;
  readonly limit: number;
}

export function addRequests(program: Command, act: Act): void {
  const command = program
    .command("requests")
    .summary("what was asked for, newest first, and how far it is")
    .description("Lists requests, newest first: the calendar's, the command line's, and yours by the API.")
    .option("--status <name>", `only ${REQUEST_STATUSES.join(", ")}`, (text) =>
      oneOf("status", text, REQUEST_STATUSES),
    );
  addLimitOption(command, "how many").action((options: RequestsOptions) =>
    act((session) => requests(session, options)),
  );
  addExamples(command, ["atelier requests", "atelier requests --status running --json"]);
}

function requests(session: Session, options: RequestsOptions): Promise<ExitCode> {
  const { output, json } = session;
  return session.withMadeAtelier(async (atelier, signal) => {
    const found: RequestSummary[] = [];
    for await (const request of atelier.requests(options)) {
      if (json) output.document(request);
      else found.push(request);
      if (output.closed || signal.aborted) break;
    }
    if (json) return EXIT.done;
    if (found.length === 0) output.text("There are no such requests.");
    else output.text(renderTable(COLUMNS, found.map(cellsOf), output));
    return EXIT.done;
  });
}

const COLUMNS = [
  { title: "request", minColumns: 8, cut: "start", style: () => "bold" as const },
  { title: "status" },
  { title: "asked for at", minColumns: 10 },
  { title: "category" },
  { title: "template", minColumns: 8 },
  { title: "images", align: "right" },
  { title: "how far", minColumns: 12 },
  { title: "cost", align: "right" },
] as const;

function cellsOf(request: RequestSummary): string[] {
  const progress = Object.entries(request.progress).filter(([, count]) => count > 0);
  return [
    request.request_id,
    request.status,
    request.created_at,
    request.category,
    request.template ?? "(any)",
    String(request.count),
    progress.map(([status, count]) => `${count} ${status}`).join(", "),
    formatUsd(microsOf(request.cost)),
  ];
}
