/**
 * @module How far a request is: from what its parts said when they ended, and from the images of those that are open. Never from all
 * images of a large request.
 */
import type { ErrorName } from "./errors.ts";
import type { Clock } from "./ids.ts";
import { imageIdOf } from "./ids.ts";
import { IMAGE_STATUSES, type Image, type ImageStatus, isTerminal, OPEN_STATUSES } from "./image.ts";
import { usdFromMicros } from "./money.ts";
import type { Images, Requests } from "./ports.ts";
import type { ImageRequest, Part, PartEnd } from "./request.ts";
import {
  REQUEST_IMAGES_NAMED_MAX,
  type RequestDocument,
  type RequestStatus,
  type RequestSummary,
} from "./request-document.ts";

export interface ProgressDeps {
  readonly requests: Pick<Requests, "parts">;
  readonly images: Pick<Images, "ofPart">;
}

/** A request of so many parts is always read image by image: it shows what reviewers decided after a part had ended. */
const EXACT_PARTS_MAX = 4;

/** Parts that are read at once. */
const READS_AT_ONCE = 5;

/** What parts say together; `counts` holds only the images that stand. */
interface Standing {
  readonly counts: Map<ImageStatus, number>;
  readonly refused: number;
  readonly costMicros: number;
  readonly lastFinishedAtMs: number | null;
}

/** Failures that were decided before a provider was asked. */
const REFUSALS: ReadonlySet<string> = new Set<ErrorName>([
  "PolicyRefused",
  "TermsDenied",
  "BudgetExceeded",
  "MaxCostExceeded",
]);

/**
 * The document of a request that has just been accepted, or whose parts and images are read now. Of a request of more than four
 * parts, those that have ended stand as they ended: a later review shows in their images, not here.
 *
 * @throws AtelierError `StorageUnavailable`
 */
export async function requestDocument(request: ImageRequest, deps: ProgressDeps): Promise<RequestDocument> {
  const parts = await deps.requests.parts.ofRequest(request.requestId);
  const ends = await inTurn(parts, async (part) =>
    part.ended && request.parts > EXACT_PARTS_MAX
      ? standingOf(part.ended)
      : standingOfImages(await deps.images.ofPart(request.requestId, part.part)),
  );
  return documentOf(request, ends);
}

/** As `requestDocument` for each, in their order, without the names of images. */
export function requestSummaries(
  requests: readonly ImageRequest[],
  deps: ProgressDeps,
): Promise<RequestSummary[]> {
  return inTurn(requests, async (request) => {
    const { images: _, ...summary } = await requestDocument(request, deps);
    return summary;
  });
}

/** Nothing is read: nothing has begun. */
export function acceptedDocument(request: ImageRequest): RequestDocument {
  return documentOf(request, []);
}

/** What a part's images came to. @param images all of the part, and all have ended */
export function endOf(images: readonly Image[], nowMs: number): PartEnd {
  const { counts, refused, costMicros } = standingOfImages(images);
  const finished = images.length > 0 ? images.map(({ finishedAtMs }) => finishedAtMs ?? nowMs) : [nowMs];
  return {
    counts: Object.fromEntries(counts),
    refused,
    costMicros,
    firstFinishedAtMs: Math.min(...finished),
    lastFinishedAtMs: Math.max(...finished),
  };
}

function standingOf({ counts, refused, costMicros, lastFinishedAtMs }: PartEnd): Standing {
  return {
    counts: new Map(Object.entries(counts) as [ImageStatus, number][]),
    refused,
    costMicros,
    lastFinishedAtMs,
  };
}

function standingOfImages(images: readonly Image[]): Standing {
  const counts = new Map<ImageStatus, number>();
  let [refused, costMicros, lastFinishedAtMs] = [0, 0, 0];
  for (const image of images) {
    counts.set(image.status, (counts.get(image.status) ?? 0) + 1);
    if (image.status === "failed" && image.failure && REFUSALS.has(image.failure.name)) refused++;
    costMicros += image.costMicros;
    lastFinishedAtMs = Math.max(lastFinishedAtMs, image.finishedAtMs ?? 0);
  }
  return { counts, refused, costMicros, lastFinishedAtMs: lastFinishedAtMs || null };
}

function documentOf(request: ImageRequest, standing: readonly Standing[]): RequestDocument {
  const { requestId, count, cancelledAtMs } = request;
  const counts = new Map<ImageStatus, number>();
  for (const one of standing) {
    for (const [status, images] of one.counts) counts.set(status, (counts.get(status) ?? 0) + images);
  }
  const begun = sum([...counts.values()]);
  // What a cancelled request has not begun never begins.
  const rest: ImageStatus = cancelledAtMs === null ? "planned" : "cancelled";
  if (begun < count) counts.set(rest, (counts.get(rest) ?? 0) + count - begun);
  const refused = sum(standing.map((one) => one.refused));
  const open = sum(OPEN_STATUSES.map((status) => counts.get(status) ?? 0));
  const finishedAtMs = Math.max(cancelledAtMs ?? 0, ...standing.map((one) => one.lastFinishedAtMs ?? 0));
  return {
    request_id: requestId,
    status: statusOf({ counts, count, open, refused, isCancelled: cancelledAtMs !== null }),
    images: Array.from({ length: Math.min(count, REQUEST_IMAGES_NAMED_MAX) }, (_, index) =>
      imageIdOf(requestId, index),
    ),
    count,
    category: request.category,
    template: request.template,
    progress: Object.fromEntries(
      IMAGE_STATUSES.map((status) => [status, counts.get(status) ?? 0]),
    ) as RequestDocument["progress"],
    cost: usdFromMicros(sum(standing.map((one) => one.costMicros))),
    created_at: new Date(request.createdAtMs).toISOString(),
    cancelled_at: cancelledAtMs === null ? null : new Date(cancelledAtMs).toISOString(),
    finished_at: open > 0 || finishedAtMs === 0 ? null : new Date(finishedAtMs).toISOString(),
  };
}

function statusOf(standing: {
  readonly counts: ReadonlyMap<ImageStatus, number>;
  readonly count: number;
  readonly open: number;
  readonly refused: number;
  readonly isCancelled: boolean;
}): RequestStatus {
  const { counts, count, open, refused, isCancelled } = standing;
  if (isCancelled || counts.get("cancelled") === count) return "cancelled";
  if (open > 0) return counts.get("planned") === count ? "accepted" : "running";
  // Quarantined pictures were made: a person decides about them.
  if ((counts.get("completed") ?? 0) + (counts.get("quarantined") ?? 0) > 0) return "completed";
  return refused === count ? "refused" : "failed";
}

// ---------------------------------------------------------------------------------------------- what has ended since

/** The last image that somebody was told of. */
export interface EndedCursor {
  readonly finishedAtMs: number;
  readonly imageId: string;
}

/**
 * Between an image's end being timed and its record being there: a step's last write with the store's client's repetitions. An
 * image is listed only so long after its end, so that none turns up before a cursor that has passed it.
 */
export const ENDED_LAG_MS = 1_500;

/**
 * Images of a request that ended after the cursor, in the order of (`finishedAtMs`, `imageId`); from the beginning without one. Calling
 * again with the last one's cursor lists each image once, in order, none twice. An image whose record comes later than
 * `ENDED_LAG_MS` after its end (a process that was stopped in between) may be passed over; the request's document counts it.
 *
 * @param limit 1 to 1,000
 */
export async function endedImages(
  request: Pick<ImageRequest, "requestId">,
  after: EndedCursor | null,
  limit: number,
  deps: ProgressDeps & { readonly clock: Clock },
): Promise<Image[]> {
  const untilMs = deps.clock() - ENDED_LAG_MS;
  const parts = (await deps.requests.parts.ofRequest(request.requestId))
    .filter(({ ended }) => after === null || ended === null || ended.lastFinishedAtMs >= after.finishedAtMs)
    .sort((one, other) => firstEndOf(one) - firstEndOf(other));
  let found: Image[] = [];
  for (let from = 0; from < parts.length; from += READS_AT_ONCE) {
    const next = parts.slice(from, from + READS_AT_ONCE);
    // No image of this or a later part ended before those that are found.
    const last = found[limit - 1];
    if (last && (last.finishedAtMs ?? 0) < Math.min(...next.map(firstEndOf))) break;
    const images = await inTurn(next, (part) => deps.images.ofPart(request.requestId, part.part));
    const ended = images
      .flat()
      .filter(
        (image) =>
          isTerminal(image.status) &&
          image.finishedAtMs !== null &&
          image.finishedAtMs <= untilMs &&
          (after === null || compared(cursorOf(image), after) > 0),
      );
    found = [...found, ...ended]
      .sort((one, other) => compared(cursorOf(one), cursorOf(other)))
      .slice(0, limit);
  }
  return found;
}

export function cursorOf(image: Pick<Image, "finishedAtMs" | "imageId">): EndedCursor {
  return { finishedAtMs: image.finishedAtMs ?? 0, imageId: image.imageId };
}

/** Parts that are open, or ended under the first release, are always read. */
function firstEndOf({ ended }: Part): number {
  return ended?.firstFinishedAtMs ?? 0;
}

function compared(one: EndedCursor, other: EndedCursor): number {
  return (
    one.finishedAtMs - other.finishedAtMs ||
    (one.imageId < other.imageId ? -1 : Number(one.imageId > other.imageId))
  );
}

/** A few at a time, in order. */
async function inTurn<T, R>(values: readonly T[], read: (value: T) => R | Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let from = 0; from < values.length; from += READS_AT_ONCE) {
    results.push(...(await Promise.all(values.slice(from, from + READS_AT_ONCE).map(read))));
  }
  return results;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
