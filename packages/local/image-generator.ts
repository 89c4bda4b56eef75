/**
 * @module The SDK's `ImageGenerator` over a data folder of this machine, without a server: the same calls, answers and errors, from
 * the same API in this process.
 *
 * @example
 * const generator = new ImageGenerator({ dataFolder: ".atelier" });
 * const images = await generator.generate({ category: "weekend_special", variations: 3 });
 * await generator.close();
 */
import { ImageGenerator as Client } from "@atelier/sdk/image-generator";
import { createInProcessApi, IN_PROCESS_URL, type InProcessApi } from "./in-process.ts";

export * from "@atelier/sdk/image-generator";

export interface LocalOptions {
  /** Folder for everything; created when missing. */
  readonly dataFolder: string;
  /** Null or left out: the folder's setting, else the sandbox. */
  readonly provider?: string | null;
  /** Variables as the README lists them, such as `process.env`. Default: none, so that nothing but the sandbox is configured. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Told of what fails in the background and stops nothing. */
  readonly onFault?: (error: unknown) => void;
}

/**
 * Opens the folder at the first call, together with whoever else works on it, and keeps the process alive until it is closed. Calls
 * also throw AtelierError `ConfigurationInvalid`, `CatalogueInvalid`, `FolderUnusable`, `StorageFull` when the folder cannot be opened.
 */
export class ImageGenerator extends Client {
  readonly #api: InProcessApi;

  constructor({ dataFolder, provider = null, environment = {}, onFault }: LocalOptions) {
    const api = createInProcessApi({
      dataFolder,
      provider,
      environment,
      ...(onFault && { onFault }),
    });
    super({ baseUrl: IN_PROCESS_URL, token: api.token, fetch: api.fetch });
    this.#api = api;
  }

  /** Ends what is watched; steps that run have some seconds, and whoever opens the folder next takes up the rest. */
  close(): Promise<void> {
    return this.#api.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
