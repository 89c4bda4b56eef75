/** @module What the calendar asks for on a day: each occurrence, what it did once it has fired, and its pictures beforehand. */
import { type PreviewDeps, previewRequest } from "./accept.ts";
import type { Catalogue, CategoryName, ProviderName } from "./catalogue.ts";
import type { VariationDocument } from "./document.ts";
import type { Clock } from "./ids.ts";
import { occurrenceRequest, stockOf } from "./occurrence.ts";
import type { Images, Requests } from "./ports.ts";
import { variationDocument } from "./preview.ts";
import type { ImageRequest, Occurrence } from "./request.ts";
import { occurrencesOn, resolveCategory, type ScheduledOccurrence } from "./schedule.ts";

export interface PlanReportDeps extends PreviewDeps {
  readonly catalogue: Catalogue;
  readonly images: Pick<Images, "stock">;
  readonly requests: { readonly occurrences: Pick<Requests["occurrences"], "get"> };
  readonly clock: Clock;
  /** Whom occurrences buy from; null: the best that routing finds. */
  readonly provider: ProviderName | null;
}

export interface Planned {
  readonly occurrence: ScheduledOccurrence;
  /** Null for an entry that makes no pictures. */
  readonly request: ImageRequest | null;
  /** What stands in the table once it has fired. */
  readonly fired: Occurrence | undefined;
}

/** One line of the plan of a day. */
export interface PlannedEntry {
  readonly occurrenceId: string;
  readonly entry: string;
  /** RFC 3339 in UTC. */
  readonly scheduledAt: string;
  readonly action: "generate" | "reconcile-and-report";
  readonly category: CategoryName | null;
  readonly count: number;
  readonly variations: readonly VariationDocument[];
}

/** Nothing is written. @param date yyyy-mm-dd, local */
export async function planOf(date: string, deps: PlanReportDeps): Promise<PlannedEntry[]> {
  return (await plannedOn(date, deps)).map((planned) => planEntryOf(planned, deps));
}

export function planEntryOf({ occurrence, request }: Planned, deps: PreviewDeps): PlannedEntry {
  return {
    occurrenceId: occurrence.occurrenceId,
    entry: occurrence.entry,
    scheduledAt: new Date(occurrence.scheduledAtMs).toISOString(),
    action: occurrence.action.kind,
    category: request?.category ?? null,
    count: request?.count ?? 0,
    variations: request
      ? previewRequest(request, deps).map((image) =>
          variationDocument(request.category, image, occurrence.occurrenceId),
        )
      : [],
  };
}

/** In the order of their times. What has fired keeps the category and count that it fired with. */
export async function plannedOn(
  date: string,
  deps: Omit<PlanReportDeps, keyof PreviewDeps> & Pick<PlanReportDeps, "catalogue">,
): Promise<Planned[]> {
  const { catalogue, images, requests, provider, clock } = deps;
  const planned: Planned[] = [];
  let stock: Partial<Record<CategoryName, number>> | undefined;
  for (const occurrence of occurrencesOn(date, catalogue.schedule)) {
    const { action } = occurrence;
    const fired = await requests.occurrences.get(occurrence.occurrenceId);
    if (action.kind !== "generate") {
      planned.push({ occurrence, request: null, fired });
      continue;
    }
    if (!fired && action.category === "least-stock") stock ??= await stockOf(catalogue, images);
    const category = fired?.category ?? resolveCategory(action, stock ?? {});
    const request = occurrenceRequest(
      { ...occurrence, category, count: fired?.count ?? occurrence.count },
      { wantedProvider: provider, nowMs: clock() },
    );
    planned.push({ occurrence, fired, request });
  }
  return planned;
}
