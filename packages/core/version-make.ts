/**
 * @module Makes versions: the kept original, developed by the recipe. It may be killed anywhere and begun again: a version is
 * committed by its manifest and shown once its record is ready. Whoever finds that the picture was moved, removed or erased
 * meanwhile, which is looked at before each file, takes away what it has made.
 */
import { type AuditDeps, audited } from "./audit.ts";
import { ERRORS } from "./error-table.ts";
import { AtelierError, errorNameOf } from "./errors.ts";
import type { Image } from "./image.ts";
import { type Manifest, versionFolder } from "./manifest.ts";
import { all } from "./pages.ts";
import type { Imaging } from "./pictures.ts";
import type { Attempts, Blobs } from "./ports.ts";
import { openOriginal, removeBelow } from "./review-files.ts";
import { failureOf } from "./turns.ts";
import {
  baseManifestKey,
  baseVersionOf,
  checkSize,
  checkVersionable,
  recipeFor,
  type Version,
  versionIdOf,
} from "./version.ts";
import type { VersionDeps } from "./version-request.ts";
import { developRenditions, readManifest, writeManifest } from "./workflow/steps/process.ts";

export interface MakeVersionDeps extends VersionDeps, AuditDeps {
  readonly attempts: Pick<Attempts, "get">;
  readonly blobs: Blobs;
  readonly imaging: Pick<Imaging, "open">;
  readonly maker: VersionMaker;
}

/** A process or function that makes versions. */
export interface VersionMaker {
  readonly name: string;
  /** Whether whoever has claimed it can still be at it. */
  isMaking(version: Version): Promise<boolean>;
}

/** What kills its maker this often is not tried again by itself. */
const TRIES_MAX = 3;

/**
 * @returns the version as it stands then; undefined when it is no longer wanted. `making`: another process is at it
 * @throws AtelierError of a store or a key that did not answer, or has no space: begun again by whoever comes next
 */
export async function makeVersion(versionId: string, deps: MakeVersionDeps): Promise<Version | undefined> {
  const { version, isOurs } = await claimed(versionId, deps);
  if (!version || !isOurs) return version;
  try {
    const manifest = await made(version, { ...deps, blobs: whileWanted(version, deps) });
    if (manifest) return await finished(version, manifest, deps);
    await withdrawn(version, deps);
    return undefined;
  } catch (error) {
    if (error instanceof Unwanted) {
      // Somebody else's, when it stands: their files are left alone.
      if (error.standing && error.standing.state !== "removed") return error.standing;
      await withdrawn(version, deps);
      return undefined;
    }
    const name = errorNameOf(error);
    const isPassing = ["retry", "hold"].includes(ERRORS[name].route);
    if (isPassing && version.tries < TRIES_MAX) {
      await deps.versions.patch(versionId, { set: { maker: null, claimedAtMs: null }, when: [mine(deps)] });
      throw error;
    }
    return failed(version, name, error instanceof Error ? error.message : String(error), deps);
  }
}

/**
 * Makes what is wanted and takes away what was removed, oldest first; what others are at is left to them.
 *
 * @param hasTime asked before each
 * @param onFault told of what could not be made just now; the others have their turn
 */
export async function finishVersions(
  deps: MakeVersionDeps,
  hasTime: () => boolean,
  onFault: (error: AtelierError) => void,
): Promise<Version[]> {
  const done: Version[] = [];
  for await (const open of all((page) => deps.versions.open(page))) {
    if (!hasTime()) break;
    const versionId = versionIdOf(open);
    try {
      const version = await makeVersion(versionId, deps);
      if (version && version.state !== "making") done.push(version);
    } catch (error) {
      onFault(failureOf(versionId, error));
    }
  }
  return done;
}

// ---------------------------------------------------------------------------------------------- one at a time

async function claimed(
  versionId: string,
  deps: MakeVersionDeps,
): Promise<{ readonly version: Version | undefined; readonly isOurs: boolean }> {
  const { versions, maker } = deps;
  const version = await versions.get(versionId);
  if (!version || version.state === "ready" || version.state === "failed") return { version, isOurs: false };
  if (version.maker !== null && (await maker.isMaking(version))) return { version, isOurs: false };
  if (version.state === "removed") {
    await withdrawn(version, deps);
    return { version: undefined, isOurs: false };
  }
  if (version.tries >= TRIES_MAX) {
    const message = `Whoever made it was stopped ${version.tries} times.`;
    return { version: await failed(version, "Unexpected", message, deps), isOurs: false };
  }
  const patched = await versions.patch(versionId, {
    set: { maker: maker.name, claimedAtMs: deps.clock(), tries: version.tries + 1 },
    when: [
      { field: "state", is: "equals", value: "making" },
      { field: "tries", is: "equals", value: version.tries },
    ],
  });
  return { version: patched.record, isOurs: patched.ok };
}

class Unwanted extends Error {
  readonly standing: Version | undefined;

  constructor(standing: Version | undefined) {
    super("The version is not wanted any more, or is made by somebody else.");
    this.standing = standing;
  }
}

/** Puts a file only as long as the version is ours to make. */
function whileWanted(version: Version, { blobs, versions, maker }: MakeVersionDeps): Blobs {
  return {
    ...blobs,
    async put(...file) {
      const standing = await versions.get(versionIdOf(version));
      if (standing?.state !== "making" || standing.maker !== maker.name) throw new Unwanted(standing);
      return blobs.put(...file);
    },
  };
}

/** Null when the picture is no longer what the version was asked of. */
async function made(version: Version, deps: MakeVersionDeps): Promise<Manifest | null> {
  const image = await deps.images.get(version.imageId);
  if (!image || !isStillOf(image, version)) return null;
  checkVersionable(image);
  const folder = versionFolder("content", image, version.version);
  const key = `${folder}manifest.json`;
  if (!(await deps.blobs.head(key))) {
    // Signatures are never the same twice: what a killed run left has other names.
    await removeBelow(folder, deps.blobs);
    const base = await readManifest(baseManifestKey(image), deps.blobs);
    const attempt = await deps.attempts.get(base.attemptId);
    if (!attempt) throw new AtelierError("Unexpected", `The attempt ${base.attemptId} is missing.`);
    const picture = await openOriginal(image, base.chosen, deps);
    checkSize(picture, version.recipe);
    const recipe = recipeFor(deps.recipe, version.recipe);
    const renditions = await developRenditions(image, attempt, picture, folder, { ...deps, recipe });
    await writeManifest(
      folder,
      { ...base, version: version.version, recipe: recipe.name, renditions, developedAtMs: deps.clock() },
      deps.blobs,
    );
  }
  // After the last file: whoever moves, removes or erases the picture from here on finds them all.
  const now = await deps.images.get(version.imageId);
  return now && isStillOf(now, version) ? readManifest(key, deps.blobs) : null;
}

function isStillOf(image: Image, { base }: Version): boolean {
  return (
    image.status === "completed" &&
    image.erasedAtMs === undefined &&
    image.manifestKey !== null &&
    baseVersionOf(image) === base
  );
}

async function finished(
  version: Version,
  { renditions }: Manifest,
  deps: MakeVersionDeps,
): Promise<Version | undefined> {
  const { imageId, recipeName } = version;
  const image = await deps.images.get(imageId);
  if (!image) return undefined;
  const manifestKey = `${versionFolder("content", image, version.version)}manifest.json`;
  await audited(
    {
      subject: imageId,
      kind: "reprocessed",
      phase: "done",
      occasion: `${recipeName} ${version.version}`,
      facts: { version: version.version, recipe: recipeName },
    },
    { ...deps, actor: version.by },
  );
  const patched = await deps.versions.patch(versionIdOf(version), {
    set: {
      state: "ready",
      renditions,
      manifestKey,
      failure: null,
      finishedAtMs: deps.clock(),
      maker: null,
      claimedAtMs: null,
    },
    when: [{ field: "state", is: "equals", value: "making" }, mine(deps)],
  });
  if (patched.ok || patched.record?.state === "ready") return patched.record;
  await withdrawn(version, deps);
  return undefined;
}

async function failed(
  version: Version,
  name: string,
  message: string,
  deps: MakeVersionDeps,
): Promise<Version | undefined> {
  const patched = await deps.versions.patch(versionIdOf(version), {
    set: {
      state: "failed",
      failure: { name, message },
      finishedAtMs: deps.clock(),
      maker: null,
      claimedAtMs: null,
    },
    when: [{ field: "state", is: "equals", value: "making" }],
  });
  return patched.record;
}

const mine = ({ maker }: MakeVersionDeps) => ({ field: "maker", is: "equals", value: maker.name }) as const;

/** The files first: as long as the record is there, somebody comes back for them. */
async function withdrawn(version: Version, deps: MakeVersionDeps): Promise<void> {
  const image = await deps.images.get(version.imageId);
  if (image) await removeBelow(versionFolder("content", image, version.version), deps.blobs);
  await deps.versions.remove(versionIdOf(version));
}
