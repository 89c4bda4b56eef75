/** @module The manifest: the commit of a version. A version exists once its manifest does; it holds no prompt. */
import * as z from "zod";
import { categoryNameSchema, providerNameSchema, ratingSchema } from "./catalogue.ts";
import {
  fingerprintSchema,
  type Image,
  qualityPartsSchema,
  renditionSchema,
  storedOutputSchema,
  verdictSchema,
} from "./image.ts";

export const manifestSchema = z.object({
  imageId: z.string(),
  attemptId: z.string(),
  version: z.int().positive(),
  category: categoryNameSchema,
  rating: ratingSchema,
  provider: providerNameSchema,
  model: z.string(),
  modelVersion: z.string().nullable(),
  recipe: z.string(),
  /** The output that was developed, and the others that came with it. */
  chosen: storedOutputSchema,
  alternates: z.array(storedOutputSchema),
  quality: z.number(),
  qualityParts: qualityPartsSchema,
  /** Null where not even that may be kept. */
  fingerprint: fingerprintSchema.nullable(),
  colours: z.array(z.string()),
  verdict: verdictSchema,
  renditions: z.array(renditionSchema),
  developedAtMs: z.int(),
});
export type Manifest = z.infer<typeof manifestSchema>;

export const SHELVES = ["content", "quarantine"] as const;
export type Shelf = (typeof SHELVES)[number];

/** `content/{category}/{yyyy}/{mm}/{imageId}/v{n}/`; dates come from the image, so the folder never moves. */
export function versionFolder(
  shelf: Shelf,
  image: Pick<Image, "category" | "localDate" | "imageId">,
  version: number,
): string {
  return `${imageFolder(shelf, image)}v${version}/`;
}

/** `originals/{category}/{yyyy}/{mm}/{imageId}/{attemptId}-{i}.{ext}` for a file under incoming/. */
export function originalKey(
  image: Pick<Image, "category" | "localDate" | "imageId">,
  incoming: string,
): string {
  return imageFolder("originals", image) + incoming.slice(incoming.lastIndexOf("/") + 1);
}

/** Everything of an image on a shelf, all versions: `content/{category}/{yyyy}/{mm}/{imageId}/`. */
export function imageFolder(
  shelf: Shelf | "originals",
  image: Pick<Image, "category" | "localDate" | "imageId">,
): string {
  const [year, month] = image.localDate.split("-");
  return `${shelf}/${image.category}/${year}/${month}/${image.imageId}/`;
}
