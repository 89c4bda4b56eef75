/**
 * @module A request under way: `await` it for its finished images, or iterate over it to watch. What is lost on the way is asked for
 * again: events are taken up after the last one that arrived.
 */
import type { ImageDocument, RequestDocument } from "./documents.ts";
import { AtelierApiError, isPassing, NoAnswerError } from "./errors.ts";
import { serverSentEvents } from "./server-sent-events.ts";
import type { Transport } from "./transport.ts";

export type ProgressEvent =
  /** An image has come to its end, whatever it is; each once. */
  | { readonly kind: "image"; readonly image: ImageDocument }
  /** How far the request is; again whenever it has changed. */
  | { readonly kind: "progress"; readonly request: RequestDocument };

export interface Generation extends PromiseLike<ImageDocument[]>, AsyncIterable<ProgressEvent> {
  /** The request as it was accepted; rejects when it was refused. */
  readonly accepted: Promise<RequestDocument>;
  /** Under which it was asked for, to ask again without buying again; null for one that was asked for before. */
  readonly idempotencyKey: string | null;
  /** Every image, in the order of the request, once all have come to their end: look at the `status` of each. Awaiting does the same. */
  images(): Promise<ImageDocument[]>;
  /** Stops what has not been bought yet. */
  cancel(): Promise<RequestDocument>;
}

interface Parts {
  readonly transport: Transport;
  readonly accepted: Promise<RequestDocument>;
  readonly idempotencyKey: string | null;
  readonly signal: AbortSignal | undefined;
  /** Every image of the request, in any order. */
  readonly listed: (requestId: string) => AsyncIterable<ImageDocument>;
}

/** A server that does not stream ends at once: so long until it is asked again, longer while nothing happens. */
const PAUSE_MS = 1_000;
const PAUSE_MS_MAX = 5_000;
/** So long a server may be away before watching it is given up. */
const PATIENCE_MS = 2 * 60_000;
/** Of so many images those that the events have not told yet are listed at once; with more, the events are waited for. */
const LISTED_MAX = 100;

export function createGeneration({ transport, accepted, idempotencyKey, signal, listed }: Parts): Generation {
  // Whoever only iterates never looks at this promise: its refusal is thrown there.
  accepted.catch(() => undefined);

  async function* watched(): AsyncGenerator<ProgressEvent, void, void> {
    const { request_id: id } = await accepted;
    let lastId = "";
    let said = "";
    let pauseMs = PAUSE_MS;
    let failingSinceMs: number | null = null;
    for (;;) {
      try {
        const headers = { accept: "text/event-stream", ...(lastId && { "last-event-id": lastId }) };
        const pieces = transport.pieces({ method: "GET", path: `${pathOf(id)}/events`, headers, signal });
        for await (const { event, data, id: eventId, retryMs } of serverSentEvents(pieces)) {
          failingSinceMs = null;
          if (event === "image") {
            lastId = eventId;
            pauseMs = retryMs ?? PAUSE_MS;
            yield { kind: "image", image: parsed<ImageDocument>(data) };
          } else if (event === "progress" || event === "end") {
            // Each stream begins with it, changed or not.
            if (data !== said) {
              pauseMs = retryMs ?? PAUSE_MS;
              yield { kind: "progress", request: parsed<RequestDocument>(data) };
            }
            said = data;
            if (event === "end") return;
          }
        }
      } catch (error) {
        if (signal?.aborted || !isPassing(error)) throw error;
        failingSinceMs ??= transport.now();
        if (transport.now() - failingSinceMs > PATIENCE_MS) throw error;
        if (error instanceof AtelierApiError) pauseMs = Math.max(pauseMs, error.retryAfterMs ?? 0);
      }
      await transport.wait(pauseMs, signal);
      pauseMs = Math.min(1.5 * pauseMs, PAUSE_MS_MAX);
    }
  }

  async function images(): Promise<ImageDocument[]> {
    const { request_id: id, count } = await accepted;
    const ended = new Map<string, ImageDocument>();
    for await (const event of watched()) {
      if (event.kind === "image") ended.set(event.image.image_id, event.image);
      else if (event.request.finished_at !== null && count <= LISTED_MAX) break;
    }
    if (ended.size < count) {
      for await (const image of listed(id)) ended.set(image.image_id, image);
    }
    return [...ended.values()].sort((one, other) => (one.image_id < other.image_id ? -1 : 1));
  }

  let finished: Promise<ImageDocument[]> | undefined;
  const once = () => (finished ??= images());
  return {
    accepted,
    idempotencyKey,
    images: once,
    // biome-ignore lint/suspicious/noThenProperty: awaiting it is what it is for.
    then: (onImages, onError) => once().then(onImages, onError),
    [Symbol.asyncIterator]: watched,
    async cancel() {
      const { request_id: id } = await accepted;
      return transport.json<RequestDocument>({
        method: "POST",
        path: `${pathOf(id)}/cancel`,
        // A request is cancelled once.
        isRepeatable: true,
      });
    },
  };
}

/** Of a stream that is not Atelier's. */
function parsed<T>(data: string): T {
  try {
    return JSON.parse(data) as T;
  } catch (error) {
    throw new NoAnswerError("An event is no JSON.", { cause: error });
  }
}

function pathOf(requestId: string): string {
  return `/v1/requests/${encodeURIComponent(requestId)}`;
}
