/** @module The library of images: found, looked at, judged, made anew, removed. */
import type {
  Category,
  ImageDocument,
  ImageStatus,
  Link,
  Rating,
  RenditionName,
  ReviewDecidedDocument,
  ReviewDocument,
} from "./documents.ts";
import { AtelierApiError } from "./errors.ts";
import { imagePath, itemsOf } from "./path.ts";
import type { Transport } from "./transport.ts";
import { createVersions, type Versions } from "./versions.ts";

/** Stops waiting for the answer. */
export interface CallOptions {
  readonly signal?: AbortSignal;
}

/** A date (`2026-11-22`, from midnight UTC), a time in RFC 3339, or a moment. */
export type When = string | Date;

export interface ImageQuery extends CallOptions {
  readonly category?: Category;
  readonly status?: ImageStatus;
  readonly tag?: string;
  readonly rating?: Rating;
  readonly template?: string;
  readonly requestId?: string;
  /** Created then or later. */
  readonly since?: When;
  /** Created before then. */
  readonly until?: When;
  /** 0 to 100. */
  readonly minQuality?: number;
  /** All of these words stand in the template's name, the tags or the slot values. */
  readonly text?: string;
}

export type ReviewDecision =
  /** Lets it out of quarantine. */
  | { readonly action: "release"; readonly reason: string }
  /** Removes it for good. */
  | { readonly action: "reject"; readonly reason?: string }
  /** Corrects its rating: a picture that is rated up waits in quarantine. Rating down needs a reason. */
  | { readonly action: "rate"; readonly rating: Rating; readonly reason?: string }
  /** Takes back the suspicion of a minor; two reviewers have to say so. */
  | { readonly action: "unseal"; readonly reason: string };

export interface Images {
  /** Newest first, page by page as they are asked for. */
  list(query?: ImageQuery): AsyncIterable<ImageDocument>;
  get(imageId: string, options?: CallOptions): Promise<ImageDocument>;
  /** An address of the file that is good for minutes, and for nobody else to keep. Default `full`. */
  link(imageId: string, rendition?: RenditionName, options?: CallOptions): Promise<Link>;
  /** The file itself. A link that ends meanwhile is asked for once more. */
  download(
    imageId: string,
    rendition?: RenditionName,
    options?: CallOptions,
  ): Promise<Uint8Array<ArrayBuffer>>;
  /** The same again is a success. @throws InvalidCallError, PolicyError for what cannot be decided about it */
  review(imageId: string, decision: ReviewDecision, options?: CallOptions): Promise<ReviewDecidedDocument>;
  /** Pictures that wait for a person, the most urgent first. */
  awaitingReview(options?: CallOptions): AsyncIterable<ReviewDocument>;
  /** Removes files, prompt and details; the record of the purchase stays. @throws ConflictError for one in the making */
  remove(imageId: string, options?: CallOptions): Promise<void>;
  readonly versions: Versions;
}

const PAGE = 100;

export function createImages(transport: Transport): Images {
  async function link(
    imageId: string,
    rendition: RenditionName = "full",
    { signal }: CallOptions = {},
  ): Promise<Link> {
    const path = `${imagePath(imageId)}/renditions/${encodeURIComponent(rendition)}`;
    return transport.json<Link>({ method: "GET", path, signal });
  }

  return {
    list({ signal, requestId, minQuality, since, until, ...query } = {}) {
      const filter = {
        ...query,
        request_id: requestId,
        min_quality: minQuality,
        since: textOf(since),
        until: textOf(until),
      };
      return itemsOf<ImageDocument>("/v1/images", { ...filter, limit: PAGE }, transport, signal);
    },
    get: (imageId, { signal } = {}) =>
      transport.json<ImageDocument>({ method: "GET", path: imagePath(imageId), signal }),
    link,
    async download(imageId, rendition, options = {}) {
      const linked = () => link(imageId, rendition, options);
      // The link is the credential: the token goes to nobody else.
      const fetched = ({ url }: Link) =>
        transport.bytes({ method: "GET", path: url, signal: options.signal });
      const first = await linked();
      try {
        return await fetched(first);
      } catch (error) {
        if (!isEndOfLink(error)) throw error;
        return fetched(await linked());
      }
    },
    review: (imageId, decision, { signal } = {}) =>
      transport.json<ReviewDecidedDocument>({
        method: "POST",
        path: `${imagePath(imageId)}/review`,
        body: decision,
        isRepeatable: true,
        signal,
      }),
    awaitingReview: ({ signal } = {}) =>
      itemsOf<ReviewDocument>("/v1/reviews", { limit: PAGE }, transport, signal),
    async remove(imageId, { signal } = {}) {
      await transport.bytes({ method: "DELETE", path: imagePath(imageId), signal });
    },
    versions: createVersions(transport),
  };
}

/** Stores of files say so in words of their own. */
function isEndOfLink(error: unknown): boolean {
  return error instanceof AtelierApiError && [403, 404, 410].includes(error.status);
}

function textOf(when: When | undefined): string | undefined {
  return when instanceof Date ? when.toISOString() : when;
}
