/**
 * @module The client of Atelier's API, for Node and browsers. It needs nothing but `fetch`.
 *
 * @example
 * const generator = new ImageGenerator({ baseUrl, token });
 * const images = await generator.generate({ category: "lingerie", template: "lingerie_black_lace", variations: 3 });
 */
import type {
  BudgetDocument,
  Category,
  HealthDocument,
  ModelDocument,
  PlannedDocument,
  PriceDocument,
  RequestDocument,
  VariationDocument,
} from "./documents.ts";
import { createGeneration, type Generation } from "./generation.ts";
import { type CallOptions, createImages, type Images } from "./images.ts";
import { allOf, pathWith } from "./path.ts";
import { createRequests, type Requests } from "./requests.ts";
import { createTemplates, type Templates } from "./templates.ts";
import { createTransport, type Surroundings, type Transport, type TransportOptions } from "./transport.ts";

export type * from "./documents.ts";
export * from "./errors.ts";
export type { Generation, ProgressEvent } from "./generation.ts";
export type { CallOptions, ImageQuery, Images, ReviewDecision, When } from "./images.ts";
export type { RequestQuery, Requests } from "./requests.ts";
export type { Templates } from "./templates.ts";
export type { TransportOptions as ImageGeneratorOptions } from "./transport.ts";
export type { VersionRecipe, Versions } from "./versions.ts";

export interface Parameters {
  /** Pixels, 64 to 2,048, a multiple of 8. */
  readonly width?: number;
  readonly height?: number;
  readonly steps?: number;
  readonly guidanceScale?: number;
}

export interface Wish {
  readonly seed?: number;
  /** A model of the catalogue, which no other one takes the place of. */
  readonly model?: string;
  readonly provider?: string;
  /** US dollars, for everything asked for together. */
  readonly maxCost?: number;
  readonly parameters?: Parameters;
}

export interface GenerateOptions extends Wish {
  readonly category: Category;
  /** Left out: the category's templates in turn. */
  readonly template?: string;
  /** How many images, 1 to 100,000. Default 1. */
  readonly variations?: number;
}

export interface CustomOptions extends Wish {
  readonly prompt: string;
  readonly negativePrompt?: string;
  /** Default `custom`. */
  readonly category?: Category;
}

export interface AskOptions {
  /**
   * Under the same key nothing is bought a second time. Default: one made for this call; give your own, kept before the call,
   * to be able to ask again after your program has ended.
   */
  readonly idempotencyKey?: string;
  /** Stops waiting and watching. What was asked for goes on: `cancel` stops it. */
  readonly signal?: AbortSignal;
}

export interface Preview {
  /** The first 50. */
  readonly items: VariationDocument[];
  /** For all; null when some of it cannot be made. */
  readonly price: PriceDocument | null;
}

export class ImageGenerator {
  readonly images: Images;
  readonly requests: Requests;
  readonly templates: Templates;
  readonly #transport: Transport;

  /**
   * @param surroundings for tests
   * @throws TypeError for a base URL that is none
   */
  constructor(options: TransportOptions, surroundings?: Surroundings) {
    this.#transport = createTransport(options, surroundings);
    this.images = createImages(this.#transport);
    this.requests = createRequests(this.#transport);
    this.templates = createTemplates(this.#transport);
  }

  /**
   * Asks for images of a template, at once. Await it for the finished images; iterate over it to watch.
   *
   * @throws BudgetError, PolicyError, InvalidCallError and the other errors of the API before anything is bought
   */
  generate(options: GenerateOptions, asking: AskOptions = {}): Generation {
    return this.#ask(bodyOfTemplate(options), asking);
  }

  /** Asks for one image of a prompt of your own. @throws as `generate` */
  generateCustom(options: CustomOptions, asking: AskOptions = {}): Generation {
    return this.#ask(bodyOfPrompt(options), asking);
  }

  /** What it would make and cost; nothing is bought. @throws as `generate` */
  preview(options: GenerateOptions | CustomOptions, { signal }: CallOptions = {}): Promise<Preview> {
    const body = "prompt" in options ? bodyOfPrompt(options) : bodyOfTemplate(options);
    const path = pathWith("/v1/requests", { dry_run: true });
    return this.#transport.json<Preview>({ method: "POST", path, body, isRepeatable: true, signal });
  }

  /** A request that was asked for before, to be awaited, watched or cancelled. */
  resume(requestId: string, { signal }: CallOptions = {}): Generation {
    return this.#watch(this.request(requestId, signal ? { signal } : {}), null, signal);
  }

  request(requestId: string, { signal }: CallOptions = {}): Promise<RequestDocument> {
    const path = `/v1/requests/${encodeURIComponent(requestId)}`;
    return this.#transport.json<RequestDocument>({ method: "GET", path, signal });
  }

  /** Models with price, terms and how each has done. */
  models({ signal }: CallOptions = {}): Promise<ModelDocument[]> {
    return allOf("/v1/models", this.#transport, signal);
  }

  /** What is left in each scope. */
  budgets({ signal }: CallOptions = {}): Promise<BudgetDocument[]> {
    return allOf("/v1/budgets", this.#transport, signal);
  }

  /** What the calendar asks for. @param options.date yyyy-mm-dd, local; default today */
  plan({ date, signal }: CallOptions & { readonly date?: string } = {}): Promise<PlannedDocument[]> {
    return allOf(pathWith("/v1/plan", { date }), this.#transport, signal);
  }

  health({ signal }: CallOptions = {}): Promise<HealthDocument> {
    return this.#transport.json<HealthDocument>({ method: "GET", path: "/v1/health", signal });
  }

  #ask(body: object, { idempotencyKey = newKey(), signal }: AskOptions): Generation {
    const accepted = this.#transport.json<RequestDocument>({
      method: "POST",
      path: "/v1/requests",
      body,
      headers: { "idempotency-key": idempotencyKey },
      isRepeatable: true,
      signal,
    });
    return this.#watch(accepted, idempotencyKey, signal);
  }

  #watch(
    accepted: Promise<RequestDocument>,
    idempotencyKey: string | null,
    signal: AbortSignal | undefined,
  ): Generation {
    return createGeneration({
      transport: this.#transport,
      accepted,
      idempotencyKey,
      signal,
      listed: (requestId) => this.images.list({ requestId, ...(signal && { signal }) }),
    });
  }
}

/** Browsers have `randomUUID` on secure pages only. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function bodyOfTemplate({ category, template, variations, ...wish }: GenerateOptions): object {
  return { category, template, variations, ...bodyOfWish(wish) };
}

function bodyOfPrompt({ prompt, negativePrompt, category, ...wish }: CustomOptions): object {
  return { prompt, negative_prompt: negativePrompt, category, ...bodyOfWish(wish) };
}

/** What is undefined is not in the JSON. */
function bodyOfWish({ seed, model, provider, maxCost, parameters }: Wish): object {
  const { guidanceScale, ...rest } = parameters ?? {};
  return {
    seed,
    model,
    provider,
    max_cost: maxCost,
    ...(parameters && { parameters: { ...rest, guidance_scale: guidanceScale } }),
  };
}
