/** @module What happens to a request, as it happens: its images as they end, its progress as it changes. */

import type { ImageDocument } from "@atelier/core/document";
import type { Image } from "@atelier/core/image";
import type { ImageRequest } from "@atelier/core/request";
import type { RequestDocument } from "@atelier/core/request-document";
import {
  cursorOf,
  ENDED_LAG_MS,
  type EndedCursor,
  endedImages,
  requestDocument,
} from "@atelier/core/request-progress";
import type { ApiDeps } from "./deps.ts";
import { imageIdSchema } from "./fields.ts";

/** Between two looks; of a request of many parts, which reads more at each, the longer one. */
const LOOK_MS = 500;
const LOOK_LARGE_MS = 2_000;
const LARGE_PARTS = 5;

/** Proxies close what is silent. */
const HEARTBEAT_MS = 15_000;

/** Then the stream ends, and the client comes again with its Last-Event-ID: no stream outlives its token by more. */
const STREAM_MS = 10 * 60 * 1000;

const IMAGES_AT_ONCE = 100;

export type RequestEvent =
  | { readonly event: "image"; readonly id: string; readonly data: ImageDocument }
  | { readonly event: "progress" | "end"; readonly data: RequestDocument }
  | { readonly event: "heartbeat" };

export interface EventDeps extends Pick<ApiDeps, "requests" | "images" | "clock"> {
  /** Resolves after the time or when the signal is aborted, whichever comes first. */
  readonly wait: (waitMs: number, signal: AbortSignal) => Promise<void>;
  readonly documentOf: (image: Image) => Promise<ImageDocument>;
}

/**
 * Images that ended after the cursor, oldest first; the request whenever it has changed; `end` once no image is missing.
 *
 * @param follow false: what is new, and no waiting
 */
export async function* requestEvents(
  request: ImageRequest,
  after: EndedCursor | null,
  { follow, signal }: { readonly follow: boolean; readonly signal: AbortSignal },
  deps: EventDeps,
): AsyncGenerator<RequestEvent> {
  const lookMs = request.parts < LARGE_PARTS ? LOOK_MS : LOOK_LARGE_MS;
  const startedAtMs = deps.clock();
  let cursor = after;
  let saidAtMs = startedAtMs;
  let said = "";
  while (!signal.aborted) {
    const standing = (await deps.requests.get(request.requestId)) ?? request;
    // Read before the images: whatever it counts as ended is listed by then, or is within the lag.
    const document = await requestDocument(standing, deps);
    const readAtMs = deps.clock();
    const images = await endedImages(request, cursor, IMAGES_AT_ONCE, deps);
    for (const image of images) {
      cursor = cursorOf(image);
      yield { event: "image", id: eventIdOf(cursor), data: await deps.documentOf(image) };
    }
    const text = JSON.stringify(document);
    if (text !== said) yield { event: "progress", data: document };
    if (text !== said || images.length > 0) saidAtMs = deps.clock();
    said = text;
    if (images.length === IMAGES_AT_ONCE) continue;
    if (hasEnded(document, readAtMs)) {
      yield { event: "end", data: document };
      return;
    }
    if (!follow || deps.clock() - startedAtMs >= STREAM_MS) return;
    if (deps.clock() - saidAtMs >= HEARTBEAT_MS) {
      yield { event: "heartbeat" };
      saidAtMs = deps.clock();
    }
    await deps.wait(lookMs, signal);
  }
}

/** Images are listed a moment after their end. */
function hasEnded({ finished_at: finishedAt }: RequestDocument, nowMs: number): boolean {
  return finishedAt !== null && Date.parse(finishedAt) + ENDED_LAG_MS <= nowMs;
}

export function eventIdOf({ finishedAtMs, imageId }: EndedCursor): string {
  return `${finishedAtMs}.${imageId}`;
}

/** Null for anything that is not an id of ours. */
export function cursorFrom(eventId: string): EndedCursor | null {
  const [time = "", imageId = "", ...more] = eventId.split(".");
  const isOurs = /^\d{1,15}$/.test(time) && imageIdSchema.safeParse(imageId).success && more.length === 0;
  return isOurs ? { finishedAtMs: Number(time), imageId } : null;
}

/** As `text/event-stream` writes it; JSON holds no line break. */
export function eventText(event: RequestEvent): string {
  if (event.event === "heartbeat") return ": still here\n\n";
  const id = event.event === "image" ? `id: ${event.id}\n` : "";
  return `event: ${event.event}\n${id}data: ${JSON.stringify(event.data)}\n\n`;
}

/** Pulled as fast as the client reads; `stop` is called when it goes. */
export function eventStream(
  events: AsyncGenerator<RequestEvent>,
  { stop, onFault }: { readonly stop: () => void; readonly onFault: (error: unknown) => void },
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let isCancelled = false;
  return new ReadableStream({
    async pull(controller) {
      try {
        const next = await events.next();
        // Nobody reads what came of the look that was under way then.
        if (isCancelled) return;
        if (next.done) controller.close();
        else controller.enqueue(encoder.encode(eventText(next.value)));
      } catch (error) {
        // The client comes again with its Last-Event-ID.
        onFault(error);
        if (!isCancelled) controller.close();
      }
    },
    async cancel() {
      isCancelled = true;
      stop();
      await events.return(undefined);
    },
  });
}
