/** @module The common end of every command that makes images: bars while it runs, then documents or a report. */
import { resolve } from "node:path";
import type { BudgetDocument, ImageDocument } from "@atelier/core/document";
import { isAtelierError } from "@atelier/core/errors";
import { BUDGET_WARNING_PERCENT, percentOf } from "@atelier/core/ledger-month";
import { formatUsd } from "@atelier/core/money";
import type { Atelier, RunOptions } from "@atelier/local/facade";
import { isRefusal, microsOf, type Refusal, refusalDocument } from "./documents.ts";
import { type ExitCode, exitCodeOfProduced, worstExitCode } from "./exit-codes.ts";
import { folderOf, imageTable, noticesOf, totalsLine } from "./image-report.ts";
import { startProgress } from "./progress.ts";
import type { Session } from "./session.ts";

/**
 * @param make asks Atelier for the images
 * @param whenNone what to tell a person when there are none
 */
export function produce(
  session: Session,
  make: (atelier: Atelier, run: RunOptions) => Promise<readonly (ImageDocument | Refusal)[]>,
  whenNone: (atelier: Atelier) => string,
): Promise<ExitCode> {
  const { io, output, json } = session;
  return session.withAtelier(async (atelier, signal) => {
    const startedAtMs = io.clock();
    const produced = await withProgress(session, (onProgress) => make(atelier, { onProgress, signal }));
    const elapsedMs = io.clock() - startedAtMs;

    if (json) for (const each of produced) output.document(isRefusal(each) ? refusalDocument(each) : each);
    else if (produced.length === 0) output.text(whenNone(atelier));
    else
      await report(
        session,
        atelier,
        produced.filter((each) => !isRefusal(each)),
        elapsedMs,
      );
    if (!json) for (const notice of budgetNotices(await atelier.budget())) output.note(notice);
    // Whoever stopped the run has been told that images are left open.
    if (!signal.aborted) for (const notice of noticesOf(produced)) output.note(notice);
    return worstExitCode(produced.map(exitCodeOfProduced));
  });
}

/** From this share on people are told, as the event of the same name tells programs. */
function budgetNotices(budgets: readonly BudgetDocument[]): string[] {
  return budgets
    .filter(
      ({ limit, remaining }) =>
        limit > 0 &&
        percentOf(microsOf(limit) - microsOf(remaining), microsOf(limit)) >= BUDGET_WARNING_PERCENT,
    )
    .map(
      ({ scope, limit, remaining, resets_at }) =>
        `The ${scope} budget is used to ${Math.floor((100 * (limit - remaining)) / limit)} %: ${formatUsd(Math.max(0, microsOf(remaining)))} of ${formatUsd(microsOf(limit))} left; it resets at ${resets_at}.`,
    );
}

async function withProgress<T>(
  { io, output }: Session,
  work: (onProgress: NonNullable<RunOptions["onProgress"]>) => Promise<T>,
): Promise<T> {
  const progress = startProgress(io.stderr);
  output.overlay = progress;
  try {
    return await work(progress.take);
  } finally {
    progress.stop();
    output.overlay = null;
  }
}

async function report(
  { output }: Session,
  atelier: Atelier,
  images: readonly ImageDocument[],
  elapsedMs: number,
): Promise<void> {
  if (images.length === 0) return;
  output.text(imageTable(images, output));
  output.text(`\n${totalsLine(images, elapsedMs)}`);
  output.text(`Folder: ${folderOf(images, atelier.dataFolder)}`);
  try {
    const sheet = await atelier.contactSheet(images);
    if (sheet !== null) output.text(`Contact sheet: ${resolve(atelier.dataFolder, sheet)}`);
  } catch (error) {
    // The images are made and paid for: an overview that could not be drawn does not make the command a failure.
    if (!isAtelierError(error)) throw error;
    output.note(`There is no contact sheet: ${error.message}`);
  }
}
