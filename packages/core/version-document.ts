/** @module The public document of a version, in snake_case. */
import * as z from "zod";
import { imageDocumentSchema } from "./document.ts";
import { failureSchema, instant } from "./document-fields.ts";
import { ENHANCEMENTS } from "./pictures.ts";
import { versionRecipeSchema } from "./version.ts";
import type { ListedVersion } from "./version-request.ts";

export const versionDocumentSchema = z.object({
  image_id: z.string().describe("The image's id."),
  version: z.int().describe("From 1; numbers may be missing."),
  current: z.boolean().describe("Whether it is what the image shows."),
  state: z
    .enum(["making", "ready", "failed"])
    .describe(
      "`making`: wanted, or in the making; `ready`: to be looked at; `failed`: asking for it again begins anew.",
    ),
  recipe: z
    .object({
      upscale: versionRecipeSchema.shape.upscale
        .unwrap()
        .nullable()
        .describe("By which factor it is enlarged; null: it is as large as it was bought."),
      enhance: z
        .enum(ENHANCEMENTS)
        .nullable()
        .describe("How much tone and detail are worked on; null: as every picture is."),
    })
    .describe("What is done to the original."),
  renditions: imageDocumentSchema.shape.renditions.describe("Its files; empty until it is ready."),
  failure: failureSchema.nullable().describe("Why it was not made; null unless it failed."),
  created_at: instant("When it was asked for; of the first one, when the image was planned."),
  finished_at: instant("When it was made, or failed; null while it is being made.").nullable(),
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
