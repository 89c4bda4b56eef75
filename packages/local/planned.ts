/** @module The plan of a day: what the calendar asks for, and producing it once. */
import { checkRequests, previewRequest } from "@atelier/core/accept";
import type { CategoryName } from "@atelier/core/catalogue";
import type { Image } from "@atelier/core/image";
import { occurrenceRequest, stockOf } from "@atelier/core/occurrence";
import { variationDocument } from "@atelier/core/preview";
import type { ImageRequest, Occurrence } from "@atelier/core/request";
import { finishReviews } from "@atelier/core/review";
import { occurrencesOn, resolveCategory, type ScheduledOccurrence } from "@atelier/core/schedule";
import { reportExpiring } from "./attest-desk.ts";
import type { PlannedEntry, RunOptions } from "./facade.ts";
import type { Installation } from "./installation.ts";
import { privacyOf } from "./privacy.ts";
import { checking } from "./requests.ts";
import { reviewing } from "./review-desk.ts";
import { executionsEnded, firingName, imagesOf, requestsEnded, settleBooks } from "./runs.ts";

export async function planOf(date: string, installation: Installation): Promise<PlannedEntry[]> {
  const entries: PlannedEntry[] = [];
  for (const { occurrence, request } of await plannedOn(date, installation)) {
    entries.push({
      occurrenceId: occurrence.occurrenceId,
      entry: occurrence.entry,
      scheduledAt: new Date(occurrence.scheduledAtMs).toISOString(),
      action: occurrence.action.kind,
      category: request?.category ?? null,
      count: request?.count ?? 0,
      variations: request
        ? previewRequest(request, installation.steps).map((image) =>
            variationDocument(request.category, image, occurrence.occurrenceId),
          )
        : [],
    });
  }
  return entries;
}

/**
 * Fires what has not fired yet, takes up what was interrupted, and waits for what another process is producing.
 *
 * @throws AtelierError `BudgetExceeded`, `TermsDenied`, `NoCandidate` before anything of the day is bought
 * @returns every image of the day's occurrences
 */
export async function runPlanOf(
  date: string,
  run: RunOptions,
  installation: Installation,
): Promise<readonly Image[]> {
  const { machine, steps } = installation;
  const planned = await plannedOn(date, installation);
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
  if (planned.some(({ occurrence }) => occurrence.action.kind === "reconcile-and-report")) {
    await settleBooks(installation);
    await privacyOf(installation).sweep(false);
  }

  const earlier = planned
    .filter(({ fired }) => fired !== undefined)
    .flatMap(({ fired }) => fired?.requestId ?? []);
  if (earlier.length > 0) await requestsEnded(earlier, true, installation, run.signal);
  const requestIds: string[] = [];
  for (const { occurrence } of planned) {
    const fired = await steps.requests.occurrences.get(occurrence.occurrenceId);
    if (fired?.requestId) requestIds.push(fired.requestId);
  }
  await requestsEnded(requestIds, false, installation, run.signal);
  await finishReviews(reviewing(installation));
  await reportExpiring(installation);
  return imagesOf(requestIds, installation);
}

interface Planned {
  readonly occurrence: ScheduledOccurrence;
  /** Null for an entry that makes no pictures. */
  readonly request: ImageRequest | null;
  /** What stands in the table once it has fired. */
  readonly fired: Occurrence | undefined;
}

async function plannedOn(date: string, installation: Installation): Promise<Planned[]> {
  const { catalogue, steps, configuration } = installation;
  const planned: Planned[] = [];
  let stock: Partial<Record<CategoryName, number>> | undefined;
  for (const occurrence of occurrencesOn(date, catalogue.schedule)) {
    const { action } = occurrence;
    if (action.kind !== "generate") {
      planned.push({ occurrence, request: null, fired: undefined });
      continue;
    }
    const fired = await steps.requests.occurrences.get(occurrence.occurrenceId);
    if (!fired && action.category === "least-stock") stock ??= await stockOf(catalogue, steps.images);
    const category = fired?.category ?? resolveCategory(action, stock ?? {});
    const request = occurrenceRequest(
      { ...occurrence, category, count: fired?.count ?? occurrence.count },
      { wantedProvider: configuration.provider, nowMs: installation.clock() },
    );
    planned.push({ occurrence, fired, request });
  }
  return planned;
}
