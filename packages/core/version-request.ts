/** @module Versions as people and programs ask for them: a new one, a list, another current one. Nothing here touches a file. */
import { type AuditDeps, audited } from "./audit.ts";
import { AtelierError } from "./errors.ts";
import type { Image } from "./image.ts";
import type { Manifest } from "./manifest.ts";
import type { Recipe } from "./pictures.ts";
import type { Blobs, Condition, Images } from "./ports.ts";
import {
  baseManifestKey,
  baseUnchanged,
  baseVersionOf,
  checkSize,
  checkVersionable,
  nextNumber,
  recipeFor,
  type Version,
  type VersionRecipe,
  type Versions,
  versionIdOf,
} from "./version.ts";
import { readManifest } from "./workflow/steps/process.ts";

export interface VersionDeps extends Omit<AuditDeps, "actor"> {
  readonly images: Pick<Images, "get" | "patch">;
  readonly versions: Versions;
  readonly blobs: Pick<Blobs, "get">;
  /** The installation's own. */
  readonly recipe: Recipe;
}

export interface ListedVersion extends Version {
  readonly isCurrent: boolean;
}

const RACES_MAX = 20;

/**
 * Notes that a version is wanted; `makeVersion` makes it. The same recipe again is the version that stands or is being made;
 * one that failed is begun anew.
 *
 * @param by who asks
 * @throws AtelierError `UnknownName`; `UsageError` for an image that is not completed and for a result that would be too large;
 *   `PolicyRefused` for a picture that nothing may be made of
 */
export async function requestVersion(
  imageId: string,
  recipe: VersionRecipe,
  by: string,
  deps: VersionDeps,
): Promise<Version> {
  const { name } = recipeFor(deps.recipe, recipe);
  const entry = { subject: imageId, kind: "reprocessed", phase: "intended" } as const;
  for (let race = 0; race < RACES_MAX; race++) {
    const image = await existing(imageId, deps);
    checkVersionable(image);
    const base = baseVersionOf(image);
    const manifest = await readManifest(baseManifestKey(image), deps.blobs);
    checkSize(sizeOf(manifest), recipe);
    const records = await deps.versions.ofImage(imageId);
    // A review has moved the picture and is not at its end: what belongs to the version before goes.
    if (records.some((record) => record.base !== base)) throw busy(imageId);
    // From now on another version may be current: what the first one is must stand somewhere else.
    if (!records.some(({ version }) => version === base)) {
      await deps.versions.putIfAbsent(firstVersion(image, manifest));
    }
    const id = versionIdOf({ imageId, recipeName: name });
    const standing = await deps.versions.get(id);
    if (standing?.state === "making" || standing?.state === "ready") return standing;
    if (standing?.state === "removed") throw busy(imageId);
    const version = standing?.state === "failed" ? standing.version : await nextNumber(image, deps);
    if (version === null) continue;
    const wanted: Version = {
      imageId,
      recipeName: name,
      version,
      base,
      state: "making",
      recipe,
      by,
      createdAtMs: deps.clock(),
      finishedAtMs: null,
      manifestKey: null,
      renditions: [],
      failure: null,
      tries: 0,
      maker: null,
      claimedAtMs: null,
    };
    const facts = { version, recipe: name };
    await audited({ ...entry, occasion: `${name} ${wanted.createdAtMs}`, facts }, { ...deps, actor: by });
    const written = standing ? await begunAnew(wanted, standing, deps) : await putNew(wanted, deps);
    if (written) return written;
  }
  throw busy(imageId);
}

/**
 * Makes a version the one that the image shows; the others stay. The one that is current already is a success.
 *
 * @param expected the version that whoever asks believes to be current; null: whichever is
 * @returns the image as it stands then
 * @throws AtelierError `UnknownName`; `PreconditionFailed` when another one is or becomes current; otherwise as `requestVersion`
 */
export async function makeCurrent(
  imageId: string,
  version: number,
  by: string,
  expected: number | null,
  deps: VersionDeps,
): Promise<Image> {
  const image = await existing(imageId, deps);
  checkVersionable(image);
  if (expected !== null && image.version !== expected) throw changed(image);
  if (image.version === version) return image;
  const wanted = await versionOf(imageId, version, deps);
  if (wanted.state !== "ready" || wanted.manifestKey === null) {
    const why = wanted.failure ? `: ${wanted.failure.message}` : ".";
    throw new AtelierError("UsageError", `Version ${version} of ${imageId} is ${wanted.state}${why}`);
  }
  const { manifestKey, renditions, base } = wanted;
  const stillSo: Condition<Image>[] = [
    { field: "status", is: "equals", value: "completed" },
    { field: "version", is: "equals", value: image.version },
    { field: "manifestKey", is: "present" },
    { field: "erasedAtMs", is: "absent" },
    ...baseUnchanged(image),
  ];
  const entry = {
    subject: imageId,
    kind: "version-chosen",
    occasion: `${image.version} to ${version} ${deps.clock()}`,
    facts: { from: image.version, version },
  } as const;
  await audited({ ...entry, phase: "intended" }, { ...deps, actor: by });
  const patched = await deps.images.patch(imageId, {
    set: { version, manifestKey, renditions, baseVersion: base },
    when: stillSo,
  });
  // The write whose answer was lost has been repeated: what we wanted stands.
  const isSo = patched.record?.version === version && patched.record.manifestKey === manifestKey;
  if (!patched.record || !isSo) throw changed(image);
  await audited({ ...entry, phase: "done" }, { ...deps, actor: by });
  return patched.record;
}

/**
 * The first one first.
 *
 * @throws AtelierError `UnknownName`
 */
export async function versionsOf(
  imageId: string,
  deps: Pick<VersionDeps, "images" | "versions">,
): Promise<ListedVersion[]> {
  const image = await existing(imageId, deps);
  return listed(image, deps);
}

/** @throws AtelierError `UnknownName` naming those that there are */
export async function versionOf(
  imageId: string,
  version: number,
  deps: Pick<VersionDeps, "images" | "versions">,
): Promise<ListedVersion> {
  const all = await versionsOf(imageId, deps);
  const found = all.find((each) => each.version === version);
  if (found) return found;
  const numbers = all.map((each) => each.version).join(", ") || "none";
  throw new AtelierError("UnknownName", `${imageId} has no version ${version}; there are ${numbers}.`);
}

async function listed(image: Image, deps: Pick<VersionDeps, "versions">): Promise<ListedVersion[]> {
  const records = (await deps.versions.ofImage(image.imageId)).filter(({ state }) => state !== "removed");
  const isListed = records.some(({ version }) => version === image.version);
  const all = isListed || image.manifestKey === null ? records : [firstVersion(image, null), ...records];
  return all
    .map((version) => ({ ...version, isCurrent: version.version === image.version }))
    .sort((one, other) => one.version - other.version);
}

/** The version that the image was filed with, as a record. @param manifest null: nobody will ask for its recipe */
function firstVersion(image: Image, manifest: Manifest | null): Version {
  const base = baseVersionOf(image);
  return {
    imageId: image.imageId,
    recipeName: manifest?.recipe ?? "",
    version: base,
    base,
    state: "ready",
    recipe: {},
    by: image.askedBy ?? "atelier",
    createdAtMs: image.createdAtMs,
    finishedAtMs: image.finishedAtMs,
    manifestKey: image.manifestKey,
    renditions: image.renditions,
    failure: null,
    tries: 0,
    maker: null,
    claimedAtMs: null,
  };
}

/** The first version is as large as what was bought. */
function sizeOf({ renditions }: Manifest): { width: number; height: number } {
  return renditions.find(({ name }) => name === "full") ?? { width: 0, height: 0 };
}

async function putNew(wanted: Version, { versions }: Pick<VersionDeps, "versions">): Promise<Version | null> {
  return (await versions.putIfAbsent(wanted)) ? wanted : null;
}

/** Under its number; what an earlier try left in its folder is removed by whoever makes it. */
async function begunAnew(
  { by }: Version,
  failed: Version,
  { versions }: Pick<VersionDeps, "versions">,
): Promise<Version | null> {
  const patched = await versions.patch(versionIdOf(failed), {
    set: { state: "making", by, finishedAtMs: null, failure: null, tries: 0 },
    when: [{ field: "state", is: "equals", value: "failed" }],
  });
  return patched.ok ? patched.record : null;
}

async function existing(
  imageId: string,
  { images }: { readonly images: Pick<Images, "get"> },
): Promise<Image> {
  const image = await images.get(imageId);
  if (image) return image;
  throw new AtelierError(
    "UnknownName",
    `There is no image "${imageId}" here; \`atelier images\` lists them.`,
  );
}

function busy(imageId: string): AtelierError {
  return new AtelierError("StorageUnavailable", `The versions of ${imageId} are changing; ask again.`);
}

function changed({ imageId }: Image): AtelierError {
  return new AtelierError(
    "PreconditionFailed",
    `${imageId} has changed since it was read; read it again and decide anew.`,
  );
}
