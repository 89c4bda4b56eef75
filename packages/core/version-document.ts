/** @module The public document of a version, in snake_case. */
import * as z from "zod";
import { imageDocumentSchema } from "./document.ts";
import { ENHANCEMENTS } from "./pictures.ts";
import { versionRecipeSchema } from "./version.ts";
import type { ListedVersion } from "./version-request.ts";

export const versionDocumentSchema = z.object({
  image_id: z.string(),
  /** From 1; numbers may be missing. */
  version: z.int(),
  /** Whether it is what the image shows. */
  current: z.boolean(),
  state: z.enum(["making", "ready", "failed"]),
  recipe: z.object({
    /** Null: as large as it was bought. */
    upscale: versionRecipeSchema.shape.upscale.unwrap().nullable(),
    /** Null: as every picture is. */
    enhance: z.enum(ENHANCEMENTS).nullable(),
  }),
  /** Empty until it is ready. */
  renditions: imageDocumentSchema.shape.renditions,
  failure: z.object({ name: z.string(), message: z.string() }).nullable(),
  created_at: z.string(),
  /** RFC 3339 in UTC; null while it is being made. */
  finished_at: z.string().nullable(),
});
export type VersionDocument = z.infer<typeof versionDocumentSchema>;

export function versionDocument(version: ListedVersion): VersionDocument {
  const { recipe, state, finishedAtMs } = version;
  return {
    image_id: version.imageId,
    version: version.version,
    current: version.isCurrent,
    // One that is being removed is in no list.
    state: state === "removed" ? "failed" : state,
    recipe: { upscale: recipe.upscale ?? null, enhance: recipe.enhance ?? null },
    renditions: version.renditions.map(({ contentType, ...rendition }) => ({
      ...rendition,
      content_type: contentType,
    })),
    failure: version.failure,
    created_at: new Date(version.createdAtMs).toISOString(),
    finished_at: finishedAtMs === null ? null : new Date(finishedAtMs).toISOString(),
  };
}
