/**
 * @module A version of an image beyond its first: made anew from the kept original by a recipe, bought from nobody. Versions are
 * immutable; the image says which one is current.
 */
import * as z from "zod";
import { AtelierError } from "./errors.ts";
import { type Image, renditionSchema } from "./image.ts";
import { versionFolder } from "./manifest.ts";
import { ENHANCEMENTS, type Recipe } from "./pictures.ts";
import type { Condition, Images, Page, Records } from "./ports.ts";

/** `removed`: its files go, and then the record. */
export const VERSION_STATES = ["making", "ready", "failed", "removed"] as const;

/** What is done to the original; what is left out is as for the first version. */
export const versionRecipeSchema = z.strictObject({
  upscale: z
    .union([z.literal(2), z.literal(4)])
    .optional()
    .describe("Enlarges by this factor, by resampling; left out: as large as it was bought."),
  enhance: z
    .enum(ENHANCEMENTS)
    .optional()
    .describe(
      "How much tone and detail are worked on: `none` leaves the original's; left out: as every picture is.",
    ),
});
export type VersionRecipe = z.infer<typeof versionRecipeSchema>;

export const versionSchema = z.object({
  imageId: z.string(),
  /** One version for each: as the manifest names it. */
  recipeName: z.string(),
  /** From 1; the first one is filed with the image. Numbers may be missing. */
  version: z.int().positive(),
  /** The version as it was filed, or moved by a review, which this one belongs to: it goes when that one moves. */
  base: z.int().positive(),
  state: z.enum(VERSION_STATES),
  recipe: versionRecipeSchema,
  /** Who asked for it. */
  by: z.string(),
  createdAtMs: z.int(),
  finishedAtMs: z.int().nullable(),
  manifestKey: z.string().nullable(),
  renditions: z.array(renditionSchema),
  failure: z.object({ name: z.string(), message: z.string() }).nullable(),
  /** How often its making was begun. */
  tries: z.int().nonnegative(),
  /** Who is making it, as `VersionMaker.name`, and since when. */
  maker: z.string().nullable(),
  claimedAtMs: z.int().nullable(),
});
export type Version = z.infer<typeof versionSchema>;

/** Records under the ids of `versionIdOf`. */
export interface Versions extends Records<Version> {
  ofImage(imageId: string): Promise<readonly Version[]>;
  /** Versions for which `isUnfinished` holds, oldest first. */
  open(page: { limit: number; cursor?: string }): Promise<Page<Version>>;
  /** A version that does not exist is a success. */
  remove(versionId: string): Promise<void>;
}

/** `{imageId}~{recipe's name}`: asking for the same twice is one record. */
export function versionIdOf({ imageId, recipeName }: Pick<Version, "imageId" | "recipeName">): string {
  return `${imageId}~${recipeName}`;
}

export function isUnfinished({ state }: Pick<Version, "state">): boolean {
  return state === "making" || state === "removed";
}

/** The largest takes 13 s of a whole core; no function makes versions for longer than this. */
export const MAKING_MS_MAX = 300_000;

/** Whether somebody may still be writing its files: claimed, and not for longer than anybody takes. */
export function isBeingMade(version: Version, nowMs: number): boolean {
  const { maker, claimedAtMs } = version;
  const isClaimed = isUnfinished(version) && maker !== null && claimedAtMs !== null;
  return isClaimed && nowMs < claimedAtMs + MAKING_MS_MAX;
}

// ---------------------------------------------------------------------------------------------- recipes

/**
 * The installation's own recipe with what is asked for: `standard-2+strong+2x`. What the installation does anyway is not in
 * the name.
 */
export function recipeFor(own: Recipe, wanted: VersionRecipe): Recipe {
  const { enhance = own.enhance, upscale } = wanted;
  const name = [
    own.name,
    ...(enhance === own.enhance ? [] : [enhance]),
    ...(upscale === undefined ? [] : [`${upscale}x`]),
  ].join("+");
  return { ...own, name, enhance, ...(upscale !== undefined && { upscale }) };
}

/** WebP and JPEG could take more; the wall of a room does not need it. */
export const UPSCALED_EDGE_PIXELS_MAX = 8_192;
/** The most that imaging opens again. Measured: 720 MB and 13 s of CPU, within what `process` has. */
export const UPSCALED_PIXELS_MAX = 64_000_000;

/** @throws AtelierError `UsageError` with the numbers, when the result would be too large */
export function checkSize(
  { width, height }: { readonly width: number; readonly height: number },
  { upscale }: VersionRecipe,
): void {
  if (upscale === undefined) return;
  const [wide, high] = [width * upscale, height * upscale];
  if (Math.max(wide, high) <= UPSCALED_EDGE_PIXELS_MAX && wide * high <= UPSCALED_PIXELS_MAX) return;
  throw new AtelierError(
    "UsageError",
    `${width} x ${height} enlarged ${upscale} times is ${wide} x ${high}, but an edge has at most ${UPSCALED_EDGE_PIXELS_MAX} pixels and a picture ${UPSCALED_PIXELS_MAX} in all.`,
  );
}

// ---------------------------------------------------------------------------------------------- of which image

/** The version as it was filed or moved by a review, whichever is current. */
export function baseVersionOf({ baseVersion, version }: Pick<Image, "baseVersion" | "version">): number {
  return baseVersion ?? version ?? 1;
}

/** Holds as long as no review has moved the picture since it was read, whichever version is current. */
export function baseUnchanged(image: Pick<Image, "baseVersion" | "version">): Condition<Image>[] {
  return image.baseVersion === undefined
    ? [
        { field: "baseVersion", is: "absent" },
        { field: "version", is: "equals", value: image.version },
      ]
    : [{ field: "baseVersion", is: "equals", value: image.baseVersion }];
}

/** Completed pictures stand under content/. */
export function baseManifestKey(image: Image): string {
  return `${versionFolder("content", image, baseVersionOf(image))}manifest.json`;
}

/** @throws AtelierError `UsageError`, `PolicyRefused` for a picture that no version is made of */
export function checkVersionable(image: Image): void {
  const { imageId, status, verdict } = image;
  if (verdict?.sealed || status === "rejected") {
    const rule = verdict?.sealed ? "sealed" : "rejected";
    throw new AtelierError("PolicyRefused", `${imageId} is ${rule}: nothing is made of it.`, {
      data: { rule },
    });
  }
  if (status !== "completed") {
    const advice = status === "quarantined" ? "; a reviewer has to release it first" : "";
    throw new AtelierError(
      "UsageError",
      `${imageId} is ${status}${advice}. Versions are of completed images.`,
    );
  }
  if (image.erasedAtMs !== undefined || image.manifestKey === null || image.version === null) {
    throw new AtelierError(
      "UsageError",
      `The files of ${imageId} were removed; nothing can be made of them.`,
    );
  }
}

// ---------------------------------------------------------------------------------------------- numbers, and the end

/** Null when the image has changed since it was read: read again and decide anew. */
export async function nextNumber(
  image: Image,
  { images }: { readonly images: Pick<Images, "patch"> },
): Promise<number | null> {
  const { imageId, lastVersion } = image;
  const number = (lastVersion ?? image.version ?? 1) + 1;
  const patched = await images.patch(imageId, {
    set: { lastVersion: number },
    when: [
      lastVersion === undefined
        ? { field: "lastVersion", is: "absent" }
        : { field: "lastVersion", is: "equals", value: lastVersion },
      { field: "status", is: "equals", value: image.status },
      ...baseUnchanged(image),
    ],
  });
  return patched.ok ? number : null;
}

/**
 * Takes away versions with their picture. Marked first, so that whoever is making one notices: that process removes what it
 * has made, and the record; when it is killed, whoever comes next does.
 *
 * @param removeFilesOf removes what stands under a version's number
 */
export async function removeVersions(
  gone: readonly Version[],
  removeFilesOf: (version: Version) => Promise<void>,
  { versions }: { readonly versions: Pick<Versions, "patch" | "remove"> },
): Promise<void> {
  for (const version of gone) {
    const id = versionIdOf(version);
    const patched = await versions.patch(id, {
      set: { state: "removed", by: "", renditions: [], manifestKey: null, failure: null },
      when: [],
    });
    await removeFilesOf(version);
    if (patched.record?.maker === null) await versions.remove(id);
  }
}
