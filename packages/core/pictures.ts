/** @module What the product needs of pictures, as types: `imaging` implements them, and nothing else touches pixels. */
import type { Rating } from "./catalogue.ts";
import type { Fingerprint, QualityParts, Rendition } from "./image.ts";

export interface Measurement {
  /** 0 to 100: the worst of the parts. Technical defects, not beauty. */
  readonly quality: number;
  readonly parts: QualityParts;
  readonly fingerprint: Fingerprint;
  /** Names of the dominant colours, the most frequent first, such as `deep_red`. */
  readonly colours: readonly string[];
}

/** What every rendition says about where it comes from. Never the prompt of a rated picture. */
export interface Provenance {
  readonly imageId: string;
  readonly model: string;
  readonly modelVersion: string | null;
  readonly createdAtMs: number;
  readonly title: string;
  readonly keywords: readonly string[];
  /**
   * The picture's effective rating. Above `general`, a provider's own manifest that may hold the prompt is not taken over.
   * Left out: as if it were above.
   */
  readonly rating?: Rating;
}

export interface RecipeStep {
  readonly rendition: Rendition["name"];
  readonly format: "jpeg" | "webp";
  /** Longest edge in pixels; never enlarged. Null: the picture's own size. */
  readonly edge: number | null;
  readonly quality: number;
  /** Nothing that the picture shows can be made out, or won back. */
  readonly isBlurred?: boolean;
}
/** How much levels and edges are worked on; `none` leaves the picture's own. */
export const ENHANCEMENTS = ["none", "standard", "strong"] as const;
export type Enhancement = (typeof ENHANCEMENTS)[number];

/** How a picture is developed, as data; the name is written into the manifest. */
export interface Recipe {
  readonly name: string;
  readonly enhance: Enhancement;
  /** Enlarged by this factor before anything is made of it; left out: not at all. */
  readonly upscale?: 2 | 4;
  readonly steps: readonly RecipeStep[];
}
export interface DevelopedRendition extends Omit<Rendition, "path"> {
  readonly data: Uint8Array;
}

/** A decoded picture: decoded once, used for everything. */
export interface OpenPicture {
  readonly width: number;
  readonly height: number;
  readonly format: "png" | "jpeg" | "webp" | "avif";
  /** 8-bit RGB, rows from the top, no padding. */
  readonly pixels: Uint8Array;
  /** True when the file carries the sandbox's mark over these very pixels, made with this key. */
  markedBy(key: Uint8Array): boolean;
  measure(): Promise<Measurement>;
  /**
   * A small JPEG of the whole picture, for a service that looks at it: no metadata, never kept, never shown.
   *
   * @param edgePixels its longest edge at most
   */
  proxyJpeg(edgePixels: number): Promise<Uint8Array>;
  develop(recipe: Recipe, provenance: Provenance): AsyncIterable<DevelopedRendition>;
}
/**
 * Signs what a file says about where it comes from (C2PA). A failure is thrown and must pass: the picture is bought, and
 * is not developed without its signature.
 */
export interface ProvenanceSigner {
  /** The signing certificate first, then those that issued it. */
  readonly certificateChainPem: string;
  /** ECDSA on P-256 over SHA-256. */
  readonly algorithm: "es256";
  /** @returns r and s, 32 bytes each @throws AtelierError `StorageUnavailable`, `ConfigurationInvalid` */
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}

export interface Imaging {
  /** @throws AtelierError `OutputInvalid` for anything that is not one whole picture within the limits */
  open(bytes: Uint8Array): Promise<OpenPicture>;
  /**
   * Cuts a grid of two by two into its pictures, from top left to bottom right, without loss.
   *
   * @returns four PNG files; the same bytes for the same file
   * @throws AtelierError `OutputInvalid` as `open`
   */
  quarters(bytes: Uint8Array): Promise<readonly Uint8Array[]>;
}
