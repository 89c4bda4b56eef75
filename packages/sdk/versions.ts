/** @module Versions of an image: made anew from what was bought. */
import type { ImageDocument, VersionDocument } from "./documents.ts";
import type { CallOptions } from "./images.ts";
import { allOf, imagePath } from "./path.ts";
import type { Transport } from "./transport.ts";

/** What is left out is as for the first version. */
export interface VersionRecipe {
  /** Enlarges by this factor, by resampling. */
  readonly upscale?: 2 | 4;
  /** How much tone and detail are worked on: `none` leaves the original's. */
  readonly enhance?: "none" | "standard" | "strong";
}

export interface Versions {
  /** All of them, the first one first. */
  list(imageId: string, options?: CallOptions): Promise<VersionDocument[]>;
  get(imageId: string, version: number, options?: CallOptions): Promise<VersionDocument>;
  /**
   * Asks for one and waits until it is ready or has failed: look at its `state`. The same recipe again is the version that there is.
   *
   * @throws InvalidCallError, PolicyError for what cannot be made
   */
  make(imageId: string, recipe: VersionRecipe, options?: CallOptions): Promise<VersionDocument>;
  /** Shows it from now on; links that were given before end. */
  makeCurrent(imageId: string, version: number, options?: CallOptions): Promise<ImageDocument>;
}

const PAUSE_MS = 500;
const PAUSE_MS_MAX = 5_000;

export function createVersions(transport: Transport): Versions {
  const at = (imageId: string, version: number) =>
    `${imagePath(imageId)}/versions/${encodeURIComponent(version)}`;

  const get: Versions["get"] = (imageId, version, { signal } = {}) =>
    transport.json<VersionDocument>({ method: "GET", path: at(imageId, version), signal });

  return {
    list: (imageId, { signal } = {}) =>
      allOf<VersionDocument>(`${imagePath(imageId)}/versions`, transport, signal),
    get,
    async make(imageId, recipe, options = {}) {
      let made = await transport.json<VersionDocument>({
        method: "POST",
        path: `${imagePath(imageId)}/versions`,
        body: recipe,
        isRepeatable: true,
        signal: options.signal,
      });
      for (let pauseMs = PAUSE_MS; made.state === "making"; pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)) {
        await transport.wait(pauseMs, options.signal);
        made = await get(imageId, made.version, options);
      }
      return made;
    },
    makeCurrent: (imageId, version, { signal } = {}) =>
      transport.json<ImageDocument>({ method: "PUT", path: `${at(imageId, version)}/current`, signal }),
  };
}
