/** @module The library of images: found, looked at, judged, removed. */
import type { Category, ImageDocument, ImageStatus, Link, Rating, RenditionName } from "./documents.ts";
import { NoAnswerError } from "./errors.ts";
import { pathWith } from "./path.ts";
import type { Transport } from "./transport.ts";

export interface ImageQuery {
  readonly category?: Category;
  readonly status?: ImageStatus;
  readonly tag?: string;
  readonly rating?: Rating;
  readonly template?: string;
  readonly requestId?: string;
  /** Created then or later: a date (`2026-11-22`, from midnight UTC) or a time in RFC 3339. */
  readonly since?: string;
  /** Created before then. */
  readonly until?: string;
  /** 0 to 100. */
  readonly minQuality?: number;
  /** All of these words stand in the template's name, the tags or the slot values. */
  readonly text?: string;
  readonly signal?: AbortSignal;
}

export interface Images {
  /** Newest first, page by page as they are asked for. */
  list(query?: ImageQuery): AsyncIterable<ImageDocument>;
  get(imageId: string, options?: { readonly signal?: AbortSignal }): Promise<ImageDocument>;
  /** An address of the file that is good for minutes, and for nobody else to keep. */
  link(
    imageId: string,
    rendition?: RenditionName,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Link>;
  /** The file itself. */
  download(
    imageId: string,
    rendition?: RenditionName,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Uint8Array>;
  /** Removes files, prompt and details; the record of the purchase stays. */
  remove(imageId: string, options?: { readonly signal?: AbortSignal }): Promise<void>;
}

const PAGE = 100;

export function createImages(transport: Transport, send: typeof globalThis.fetch): Images {
  const at = (imageId: string) => `/v1/images/${encodeURIComponent(imageId)}`;

  async function link(
    imageId: string,
    rendition: RenditionName = "full",
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<Link> {
    const path = `${at(imageId)}/renditions/${encodeURIComponent(rendition)}`;
    return transport.json<Link>({ method: "GET", path, signal: options.signal });
  }

  return {
    async *list({ signal, requestId, minQuality, ...query } = {}) {
      const filter = { ...query, request_id: requestId, min_quality: minQuality, limit: PAGE };
      for (let cursor: string | null | undefined; cursor !== null; ) {
        const page: { items: ImageDocument[]; next_cursor: string | null } = await transport.json({
          method: "GET",
          path: pathWith("/v1/images", { ...filter, cursor }),
          signal,
        });
        // A page may be short, or empty, before the end.
        yield* page.items;
        cursor = page.next_cursor;
      }
    },
    get: (imageId, options = {}) =>
      transport.json<ImageDocument>({ method: "GET", path: at(imageId), signal: options.signal }),
    link,
    async download(imageId, rendition, options = {}) {
      const { url } = await link(imageId, rendition, options);
      // The link is the credential: the token goes to nobody else.
      const response = await send(url, options.signal ? { signal: options.signal } : {});
      if (!response.ok)
        throw new NoAnswerError(`The file was not delivered (${response.status}); ask again.`);
      return new Uint8Array(await response.arrayBuffer());
    },
    async remove(imageId, options = {}) {
      await transport.answer({ method: "DELETE", path: at(imageId), signal: options.signal });
    },
  };
}
