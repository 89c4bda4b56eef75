/** @module Telling that the last image of a request has ended. */
import { eventIdOf } from "./ids.ts";
import type { Events, Images, Requests } from "./ports.ts";
import { hasPartsToBegin } from "./request.ts";
import { requestDocument } from "./request-progress.ts";

export interface AnnounceRequestDeps {
  readonly events: Events;
  readonly requests: Pick<Requests, "get" | "parts">;
  readonly images: Pick<Images, "ofPart">;
}

/**
 * Told before a part is closed, where nothing of its request is open any more: whoever closes the last part comes after the
 * last image's end, so it is told at least once, wherever somebody is killed.
 */
export async function announceRequestIfOver(requestId: string, deps: AnnounceRequestDeps): Promise<void> {
  const request = await deps.requests.get(requestId);
  if (!request || hasPartsToBegin(request)) return;
  const { finished_at, status, count, category, progress, cost } = await requestDocument(request, deps);
  if (finished_at === null) return;
  await deps.events.publish({
    id: eventIdOf(requestId, "request-completed"),
    type: "request-completed",
    atMs: Date.parse(finished_at),
    detail: { request_id: requestId, category, status, count, progress, cost },
  });
}
