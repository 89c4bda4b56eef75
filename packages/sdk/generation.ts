/**
 * @module A request under way: `await` it for its finished images, or iterate over it to watch. What is lost on the way is asked for
 * again: events are taken up after the last one that arrived.
 */
import type { ImageDocument, RequestDocument } from "./documents.ts";
import { AtelierApiError, NoAnswerError } from "./errors.ts";
import { serverSentEvents } from "./server-sent-events.ts";
import type { Transport } from "./transport.ts";

export type ProgressEvent =
  /** An image has come to its end, whatever it is. */
  | { readonly kind: "image"; readonly image: ImageDocument }
  /** How far the request is. */
  | { readonly kind: "progress"; readonly request: RequestDocument };

export interface Generation extends PromiseLike<ImageDocument[]>, AsyncIterable<ProgressEvent> {
  /** The request as it was accepted; rejects when it was refused. */
  readonly accepted: Promise<RequestDocument>;
  /** Every image, in the order of the request, once all have come to their end: look at the `status` of each. */
  images(): Promise<ImageDocument[]>;
  /** Stops what has not been bought yet. */
  cancel(): Promise<RequestDocument>;
}

interface Parts {
  readonly transport: Transport;
  readonly accepted: Promise<RequestDocument>;
  readonly signal: AbortSignal | undefined;
  readonly allOf: (requestId: string, signal: AbortSignal | undefined) => AsyncIterable<ImageDocument>;
}

/** A server that does not stream ends at once: so long until it is asked again. */
const PAUSE_MS = 1_000;
/** So many streams in a row that brought nothing, not even an answer, and the connection is given up. */
const SILENT_STREAMS_MAX = 5;
const ENDED: readonly RequestDocument["status"][] = ["completed", "failed", "cancelled", "refused"];

export function createGeneration({ transport, accepted, signal, allOf }: Parts): Generation {
  // Whoever only iterates never looks at this promise: its refusal is thrown there.
  accepted.catch(() => undefined);

  async function* watched(): AsyncGenerator<ProgressEvent, void, void> {
    const { request_id: id } = await accepted;
    const seen = new Set<string>();
    let lastId = "";
    for (let silent = 0; ; ) {
      let pauseMs = PAUSE_MS;
      try {
        const response = await transport.answer({
          method: "GET",
          path: `${pathOf(id)}/events`,
          headers: { accept: "text/event-stream", ...(lastId ? { "last-event-id": lastId } : {}) },
          signal,
        });
        if (response.body === null) throw new NoAnswerError("The stream of events is empty.");
        for await (const event of serverSentEvents(response.body)) {
          silent = 0;
          lastId = event.id || lastId;
          pauseMs = event.retryMs ?? pauseMs;
          if (event.event === "image") {
            const image: ImageDocument = JSON.parse(event.data);
            // Events come at least once.
            if (!seen.has(image.image_id)) yield { kind: "image", image };
            seen.add(image.image_id);
          } else if (event.event === "progress" || event.event === "end") {
            const request: RequestDocument = JSON.parse(event.data);
            yield { kind: "progress", request };
            if (event.event === "end") return;
          }
        }
      } catch (error) {
        signal?.throwIfAborted();
        // A refusal stays one; a stream that broke off is taken up again.
        if (error instanceof AtelierApiError || ++silent > SILENT_STREAMS_MAX) throw error;
      }
      await transport.wait(pauseMs, signal);
    }
  }

  async function images(): Promise<ImageDocument[]> {
    const { request_id: id } = await accepted;
    for await (const event of watched()) {
      if (event.kind === "progress" && ENDED.includes(event.request.status)) break;
    }
    const all: ImageDocument[] = [];
    for await (const image of allOf(id, signal)) all.push(image);
    return all.sort((one, other) => (one.image_id < other.image_id ? -1 : 1));
  }

  let finished: Promise<ImageDocument[]> | undefined;
  const once = () => (finished ??= images());
  return {
    accepted,
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

function pathOf(requestId: string): string {
  return `/v1/requests/${encodeURIComponent(requestId)}`;
}
