/**
 * @module A version of an image beyond its first: made anew from the kept original by a recipe, bought from nobody. Versions are
 * immutable; the image says which one is current.
 */
import * as z from "zod";
import { qualityPartsSchema, renditionSchema } from "./image.ts";

export const VERSION_STATES = ["making", "ready", "failed"] as const;

/** What is done to the original; what is left out is as for the first version. */
export const versionRecipeSchema = z.strictObject({
  /** Enlarges by this factor, by resampling. */
  upscale: z.union([z.literal(2), z.literal(4)]).optional(),
  /** How much tone and detail are worked on: `none` leaves the original's. */
  enhance: z.enum(["none", "standard", "strong"]).optional(),
});
export type VersionRecipe = z.infer<typeof versionRecipeSchema>;

export const versionSchema = z.object({
  imageId: z.string(),
  /** From 1; the first one is written with the image. */
  version: z.int().positive(),
  state: z.enum(VERSION_STATES),
  recipe: versionRecipeSchema,
  /** Who asked for it. */
  by: z.string(),
  createdAtMs: z.int(),
  finishedAtMs: z.int().nullable(),
  manifestKey: z.string().nullable(),
  renditions: z.array(renditionSchema),
  quality: z.number().nullable(),
  qualityParts: qualityPartsSchema.nullable(),
  failure: z.object({ name: z.string(), message: z.string() }).nullable(),
});
export type Version = z.infer<typeof versionSchema>;
