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
  PriceDocument,
  RequestDocument,
  VariationDocument,
} from "./documents.ts";
import { createGeneration, type Generation } from "./generation.ts";
import { createImages, type Images } from "./images.ts";
import { createTransport, type Transport, type TransportOptions } from "./transport.ts";

export type * from "./documents.ts";
export * from "./errors.ts";
export type { Generation, ProgressEvent } from "./generation.ts";
export type { ImageQuery, Images } from "./images.ts";
export type { TransportOptions as ImageGeneratorOptions } from "./transport.ts";

export interface Parameters {
  readonly width?: number;
  readonly height?: number;
  readonly steps?: number;
  readonly guidanceScale?: number;
}

interface Wish {
  readonly seed?: number;
  /** A model of the catalogue, which no other one takes the place of. */
  readonly model?: string;
  /** US dollars, for everything asked for together. */
  readonly maxCost?: number;
  readonly parameters?: Parameters;
}

export interface GenerateOptions extends Wish {
  readonly category: Category;
  /** Left out: the category's templates in turn. */
  readonly template?: string;
  /** How many images. Default 1. */
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
  readonly items: VariationDocument[];
  readonly price: PriceDocument | null;
}

export class ImageGenerator {
  readonly images: Images;
  readonly #transport: Transport;

  constructor(options: TransportOptions) {
    this.#transport = createTransport(options);
    this.images = createImages(this.#transport, options.fetch ?? globalThis.fetch.bind(globalThis));
  }

  /**
   * Asks for images of a template. Await it for the finished images; iterate over it to watch.
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
  preview(
    options: GenerateOptions | CustomOptions,
    asking: Pick<AskOptions, "signal"> = {},
  ): Promise<Preview> {
    const body = "prompt" in options ? bodyOfPrompt(options) : bodyOfTemplate(options);
    return this.#transport.json<Preview>({
      method: "POST",
      path: "/v1/requests?dry_run=true",
      body,
      isRepeatable: true,
      signal: asking.signal,
    });
  }

  /** A request that was asked for before, to be awaited or watched. */
  resume(requestId: string, asking: Pick<AskOptions, "signal"> = {}): Generation {
    return this.#watch(this.request(requestId, asking), asking.signal);
  }

  request(requestId: string, asking: Pick<AskOptions, "signal"> = {}): Promise<RequestDocument> {
    const path = `/v1/requests/${encodeURIComponent(requestId)}`;
    return this.#transport.json<RequestDocument>({ method: "GET", path, signal: asking.signal });
  }

  async budgets(asking: Pick<AskOptions, "signal"> = {}): Promise<BudgetDocument[]> {
    const { items } = await this.#transport.json<{ items: BudgetDocument[] }>({
      method: "GET",
      path: "/v1/budgets",
      signal: asking.signal,
    });
    return items;
  }

  #ask(body: object, { idempotencyKey = crypto.randomUUID(), signal }: AskOptions): Generation {
    const accepted = this.#transport.json<RequestDocument>({
      method: "POST",
      path: "/v1/requests",
      body,
      headers: { "idempotency-key": idempotencyKey },
      isRepeatable: true,
      signal,
    });
    return this.#watch(accepted, signal);
  }

  #watch(accepted: Promise<RequestDocument>, signal: AbortSignal | undefined): Generation {
    return createGeneration({
      transport: this.#transport,
      accepted,
      signal,
      allOf: (requestId, until) => this.images.list({ requestId, ...(until ? { signal: until } : {}) }),
    });
  }
}

function bodyOfTemplate({ category, template, variations, ...wish }: GenerateOptions): object {
  return { category, template, variations, ...bodyOfWish(wish) };
}

function bodyOfPrompt({ prompt, negativePrompt, category, ...wish }: CustomOptions): object {
  return { prompt, negative_prompt: negativePrompt, category, ...bodyOfWish(wish) };
}

/** What is undefined is not in the JSON. */
function bodyOfWish({ seed, model, maxCost, parameters }: Wish): object {
  const { guidanceScale, ...rest } = parameters ?? {};
  return {
    seed,
    model,
    max_cost: maxCost,
    ...(parameters ? { parameters: { ...rest, guidance_scale: guidanceScale } } : {}),
  };
}
