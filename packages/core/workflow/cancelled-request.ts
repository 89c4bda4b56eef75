/**
 * @module The mark that cancels a request, as the steps see it that set money aside and buy: with it nothing more is held or sent,
 * however long it takes to come to each image.
 */
import { costOf } from "../alternates.ts";
import type { Clock } from "../ids.ts";
import { type Image, OPEN_STATUSES } from "../image.ts";
import type { Attempts, Images, Requests } from "../ports.ts";

export interface CancelledRequestDeps {
  readonly requests: Pick<Requests, "get">;
  readonly images: Pick<Images, "patch">;
  readonly attempts: Pick<Attempts, "ofImage">;
  readonly clock: Clock;
}

/** What a cancelled image says of itself. */
export function cancelledFields(nowMs: number) {
  return {
    status: "cancelled",
    failure: { name: "Cancelled", message: "It was cancelled on request.", rule: null },
    finishedAtMs: nowMs,
  } as const satisfies Partial<Image>;
}

/**
 * True when the image's request is cancelled: the image has ended then. Its end is told by whoever closes its part, or by
 * whoever cancelled.
 *
 * @throws AtelierError `StorageUnavailable`
 */
export async function endedByItsRequest(image: Image, deps: CancelledRequestDeps): Promise<boolean> {
  const request = await deps.requests.get(image.requestId);
  if (request?.cancelledAtMs == null) return false;
  const costMicros = await costOf(image.imageId, deps.attempts);
  await deps.images.patch(image.imageId, {
    set: { ...cancelledFields(deps.clock()), costMicros },
    when: [
      { field: "generation", is: "equals", value: image.generation },
      { field: "status", is: "one-of", values: OPEN_STATUSES },
    ],
  });
  return true;
}
