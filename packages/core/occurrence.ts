/** @module The request that an occurrence stands for: derived, so that every firing of it asks for the same pictures. */
import type { Catalogue, CategoryName } from "./catalogue.ts";
import { derivedSeed, occurrenceRequestId } from "./ids.ts";
import type { Images } from "./ports.ts";
import type { ImageRequest, Occurrence } from "./request.ts";
import { partsOf } from "./start.ts";

/** @param context.wantedProvider whom the occurrences of this installation buy from; null: whatever routing chooses */
export function occurrenceRequest(
  occurrence: Pick<Occurrence, "occurrenceId" | "scheduledAtMs" | "localDate" | "count"> & {
    readonly category: CategoryName;
  },
  context: { readonly wantedProvider: ImageRequest["wantedProvider"]; readonly nowMs: number },
): ImageRequest {
  return {
    requestId: occurrenceRequestId(occurrence.occurrenceId, occurrence.scheduledAtMs),
    source: "occurrence",
    occurrenceId: occurrence.occurrenceId,
    category: occurrence.category,
    template: null,
    freePrompt: false,
    count: occurrence.count,
    seed: derivedSeed(occurrence.occurrenceId),
    priority: "plan",
    wantedModel: null,
    wantedProvider: context.wantedProvider,
    parameters: {},
    maxCostMicros: null,
    localDate: occurrence.localDate,
    createdAtMs: context.nowMs,
    parts: partsOf(occurrence.count),
    cancelledAtMs: null,
    askedBy: null,
    bodyHash: null,
    partsBegun: null,
  };
}

/** Completed pictures by category: what `least-stock` entries choose by. */
export async function stockOf(
  catalogue: Pick<Catalogue, "categories">,
  images: Pick<Images, "stock">,
): Promise<Partial<Record<CategoryName, number>>> {
  const counts = await Promise.all(
    catalogue.categories.map(async ({ name }) => [name, await images.stock(name)] as const),
  );
  return Object.fromEntries(counts);
}
