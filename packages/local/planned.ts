/** @module The plan of a day: what the calendar asks for, and producing it once. */
import { checkRequests, previewRequest } from "@atelier/core/accept";
import type { Image } from "@atelier/core/image";
import {
  type Planned,
  type PlannedEntry,
  type PlanReportDeps,
  plannedOn,
  planOf as planReport,
} from "@atelier/core/plan-report";
import { finishReviews } from "@atelier/core/review";
import { startTurns } from "@atelier/core/turns";
import { reportExpiring } from "./attest-desk.ts";
import type { RunOptions } from "./facade.ts";
import type { Installation } from "./installation.ts";
import { privacyOf } from "./privacy.ts";
import { checking } from "./requests.ts";
import { reviewing } from "./review-desk.ts";
import { executionsEnded, firingName, imagesOf, requestsEnded, settleBooks } from "./runs.ts";

export function planOf(date: string, installation: Installation): Promise<PlannedEntry[]> {
  return planReport(date, planning(installation));
}

/**
 * Fires what has not fired yet, takes up what was interrupted, and waits for what another process is producing.
 *
 * @throws AtelierError `BudgetExceeded`, `TermsDenied`, `NoCandidate` before anything of the day is bought; what failed of the
 *   report, when all else is done
 * @returns every image of the day's occurrences
 */
export async function runPlanOf(
  date: string,
  run: RunOptions,
  installation: Installation,
): Promise<readonly Image[]> {
  const { machine } = installation;
  const planned = await plannedOn(date, planning(installation));
  const fresh = planned.filter(({ fired, request }) => request !== null && fired === undefined);
  const requests = fresh.flatMap(({ request }) =>
    request ? [{ request, images: previewRequest(request, installation.steps) }] : [],
  );
  await checkRequests(requests, null, checking(installation));
  const names: string[] = [];
  for (const { occurrence } of fresh) {
    if (run.signal?.aborted) break;
    const name = firingName(occurrence.occurrenceId, installation);
    await machine.start(name, {
      entry: occurrence.entry,
      scheduledTime: new Date(occurrence.scheduledAtMs).toISOString(),
    });
    names.push(name);
  }
  await executionsEnded(names, installation, run.signal);
  const turns = startTurns();
  if (planned.some(({ occurrence }) => occurrence.action.kind === "reconcile-and-report")) {
    await turns.give("books", () => settleBooks(installation));
    await turns.give("retention", () => privacyOf(installation).sweep(false));
  }

  let requestIds: string[];
  try {
    requestIds = await plannedRequestsEnded(planned, run, installation);
    await finishReviews(reviewing(installation), installation.onFault);
  } catch (error) {
    // What is thrown names one fault; those of the report are told beside it.
    turns.failures.forEach(installation.onFault);
    throw error;
  }
  await turns.give("expiring", () => reportExpiring(installation));
  turns.end();
  return imagesOf(requestIds, installation);
}

/** Those that had fired before are taken up. @returns the ids of all */
async function plannedRequestsEnded(
  planned: readonly Planned[],
  { signal }: RunOptions,
  installation: Installation,
): Promise<string[]> {
  const earlier = planned
    .filter(({ fired }) => fired !== undefined)
    .flatMap(({ fired }) => fired?.requestId ?? []);
  if (earlier.length > 0) await requestsEnded(earlier, true, installation, signal);
  const requestIds: string[] = [];
  for (const { occurrence } of planned) {
    const fired = await installation.steps.requests.occurrences.get(occurrence.occurrenceId);
    if (fired?.requestId) requestIds.push(fired.requestId);
  }
  await requestsEnded(requestIds, false, installation, signal);
  return requestIds;
}

function planning({ steps, configuration }: Installation): PlanReportDeps {
  return { ...steps, provider: configuration.provider };
}
