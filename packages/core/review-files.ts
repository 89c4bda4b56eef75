/**
 * @module What follows from a reviewer's decision: the files of a picture move to another shelf as a new version, or go for
 * good. Keys are immutable, so a move is copy, verify, manifest, record, and only then remove; every step may be repeated.
 */

import type { AnnounceDeps } from "./announce.ts";
import { AtelierError } from "./errors.ts";
import type { Image, ImageStatus, Rendition, StoredOutput, Verdict } from "./image.ts";
import { imageFolder, type Manifest, originalKey, SHELVES, type Shelf, versionFolder } from "./manifest.ts";
import type { PictureBlock } from "./picture-block.ts";
import type { Imaging, OpenPicture, Recipe } from "./pictures.ts";
import type { Blobs, Images, Patched } from "./ports.ts";
import type { ReviewDecision } from "./review.ts";
import { baseManifestKey, baseUnchanged, baseVersionOf, removeVersions, type Versions } from "./version.ts";
import { developRenditions, readManifest, writeManifest } from "./workflow/steps/process.ts";

export interface CarryOutDeps extends AnnounceDeps {
  readonly images: Images;
  readonly blobs: Blobs;
  readonly imaging: Pick<Imaging, "open">;
  readonly recipe: Recipe;
  readonly versions: Versions;
  readonly pictureBlock: Pick<PictureBlock, "block">;
  /** Removes what else shows the picture, such as an overview of several; idempotent. */
  readonly removeOverviews: (imageId: string) => Promise<void>;
}

export async function carryOut(imageId: string, decision: ReviewDecision, deps: CarryOutDeps): Promise<void> {
  const image = await deps.images.get(imageId);
  if (!image) throw new AtelierError("UnknownName", `There is no image "${imageId}" here.`);
  // Erased since it was decided: its files are gone from every shelf.
  if (image.erasedAtMs !== undefined) return;
  await (decision.shelf === null
    ? removePicture(image, decision, deps)
    : movePicture(image, decision, decision.shelf, deps));
}

// ---------------------------------------------------------------------------------------------- out of quarantine, or back

async function movePicture(
  image: Image,
  decision: ReviewDecision,
  shelf: Shelf,
  deps: CarryOutDeps,
): Promise<void> {
  let standing: Image | undefined = image;
  // Again when another version became current meanwhile.
  while (standing && baseVersionOf(standing) === decision.version) {
    standing = await recordMove(standing, decision, shelf, deps);
  }
  // Whichever shelf it was on: nothing of the earlier version stays, nor of those that were made beside it.
  const removeFilesOf = async ({ version }: { readonly version: number }) => {
    for (const old of SHELVES) await removeBelow(versionFolder(old, image, version), deps.blobs);
  };
  const beside = await deps.versions.ofImage(image.imageId);
  await removeVersions(
    beside.filter(({ base }) => base <= decision.version),
    removeFilesOf,
    deps,
  );
  await removeFilesOf(decision);
  if (decision.shelf === "quarantine") await deps.removeOverviews(image.imageId);
}

async function recordMove(
  image: Image,
  decision: ReviewDecision,
  shelf: Shelf,
  deps: CarryOutDeps,
): Promise<Image | undefined> {
  if (image.manifestKey === null) throw missing(`The manifest of ${image.imageId} is missing.`);
  const isBase = image.version === decision.version;
  const before = await readManifest(isBase ? image.manifestKey : baseManifestKey(image), deps.blobs);
  const version = decision.toVersion ?? decision.version + 1;
  const folder = versionFolder(shelf, image, version);
  const originals = await keptOriginals(image, deps.blobs);
  const status: ImageStatus = shelf === "content" ? "completed" : "quarantined";
  const verdict = verdictAfter(before.verdict, decision, shelf);
  const manifest: Manifest = {
    ...before,
    version,
    rating: decision.rating,
    verdict,
    renditions: needsDeveloping(before, decision)
      ? await developedAgain(image, before, folder, decision, deps)
      : await copied(before.renditions, folder, deps.blobs),
    developedAtMs: decision.atMs,
  };
  // Another run of this very decision may have written it already: its files are the ones that count.
  const manifestKey = await writeManifest(folder, manifest, deps.blobs);
  const { renditions } = await readManifest(manifestKey, deps.blobs);
  const rated = { ...image, rating: decision.rating };
  const isRatedAnew = rated.rating !== image.rating;
  if (isRatedAnew) await deps.images.index(rated, image);
  const patched = await deps.images.patch(image.imageId, {
    set: {
      status,
      version,
      baseVersion: version,
      manifestKey,
      renditions,
      originals,
      verdict,
      rating: decision.rating,
    },
    when: [...baseUnchanged(image), { field: "manifestKey", is: "present" }],
  });
  // Removed while we were copying: what we made goes as well.
  if (patched.record?.manifestKey === null) {
    await removeFiles(image, deps.blobs);
    return undefined;
  }
  if (isRatedAnew && patched.record?.rating === rated.rating) await deps.images.unindex(image, rated);
  return patched.record;
}

/** A sealed picture was never developed; files made for a general one may carry a provider's words, which rated ones may not. */
function needsDeveloping(before: Manifest, { action, fromRating, rating }: ReviewDecision): boolean {
  return (
    action === "unseal" ||
    before.renditions.length === 0 ||
    (fromRating === "general" && rating !== "general")
  );
}

async function copied(renditions: readonly Rendition[], folder: string, blobs: Blobs): Promise<Rendition[]> {
  const moved: Rendition[] = [];
  for (const rendition of renditions) {
    const path = folder + rendition.path.slice(rendition.path.lastIndexOf("/") + 1);
    const head = await blobs.copy(rendition.path, path);
    if (head.sha256 !== rendition.sha256) throw missing(`${rendition.path} is not as it was recorded.`);
    moved.push({ ...rendition, path });
  }
  return moved;
}

async function developedAgain(
  image: Image,
  { chosen, attemptId }: Manifest,
  folder: string,
  { rating }: ReviewDecision,
  deps: CarryOutDeps,
): Promise<Rendition[]> {
  const attempt = await deps.attempts.get(attemptId);
  if (!attempt) throw missing(`The attempt ${attemptId} is missing.`);
  const picture = await openOriginal(image, chosen, deps);
  return developRenditions({ ...image, rating }, attempt, picture, folder, deps);
}

export async function openOriginal(
  image: Image,
  chosen: StoredOutput,
  deps: Pick<CarryOutDeps, "blobs" | "imaging">,
): Promise<OpenPicture> {
  for (const key of [originalKey(image, chosen.key), chosen.key]) {
    const blob = await deps.blobs.get(key);
    if (blob && blob.head.sha256 !== chosen.sha256) throw missing(`${key} is not as it was recorded.`);
    if (blob) return deps.imaging.open(blob.bytes);
  }
  throw missing(`The original of ${image.imageId} is gone; it can only be rejected.`);
}

/** What was sealed was not copied: from now on it is kept as others are. */
async function keptOriginals(image: Image, blobs: Blobs): Promise<StoredOutput[]> {
  const originals: StoredOutput[] = [];
  for (const original of image.originals) {
    const key = originalKey(image, original.key);
    if (key !== original.key) await blobs.copy(original.key, key);
    originals.push({ ...original, key });
  }
  return originals;
}

function verdictAfter(verdict: Verdict, decision: ReviewDecision, shelf: Shelf): Verdict {
  const reviewers = decision.votes.map(({ by }) => by).join(" and ");
  const reviewed = { ...verdict, rating: decision.rating, basis: "review" as const };
  switch (decision.action) {
    case "release":
      return { ...reviewed, decision: "released", reason: `Released by ${reviewers}.` };
    case "unseal":
      return { ...verdict, sealed: false, reason: `Unsealed by ${reviewers}; ${verdict.reason}` };
    default: {
      const reason = `Rated ${decision.rating} by ${reviewers}.`;
      return { ...reviewed, decision: shelf === "content" ? "released" : "quarantined", reason };
    }
  }
}

// ---------------------------------------------------------------------------------------------- for good

/** Hidden first, then gone; what it looks like is remembered before anything else, keyed. */
async function removePicture(image: Image, decision: ReviewDecision, deps: CarryOutDeps): Promise<void> {
  if (image.fingerprint !== null) {
    await deps.pictureBlock.block(image.imageId, image.fingerprint, decision.atMs);
  }
  const reason = `Removed by ${decision.votes.map(({ by }) => by).join(" and ") || "Atelier"}.`;
  let standing: Image | undefined = image;
  // Again when another version became current meanwhile.
  while (standing && standing.manifestKey !== null && baseVersionOf(standing) === decision.version) {
    const patched: Patched<Image> = await deps.images.patch(image.imageId, {
      set: {
        status: "rejected",
        verdict: image.verdict && {
          ...image.verdict,
          decision: "rejected",
          basis: image.verdict.basis === "known-picture" ? "known-picture" : "review",
          reason,
        },
        renditions: [],
        originals: [],
        manifestKey: null,
        fingerprint: null,
        failure: { name: "ContentRejected", message: reason, rule: "review" },
      },
      when: baseUnchanged(standing),
    });
    standing = patched.record;
  }
  await deps.images.removeFingerprint(image);
  await deps.removeOverviews(image.imageId);
  const beside = await deps.versions.ofImage(image.imageId);
  await removeVersions(beside, () => removeFiles(image, deps.blobs), deps);
  await removeFiles(image, deps.blobs);
}

async function removeFiles(image: Image, blobs: Blobs): Promise<void> {
  for (const shelf of [...SHELVES, "originals"] as const) await removeBelow(imageFolder(shelf, image), blobs);
  await removeBelow(`incoming/${image.imageId}/`, blobs);
}

export async function removeBelow(prefix: string, blobs: Pick<Blobs, "list" | "remove">): Promise<void> {
  const keys: string[] = [];
  for await (const { key } of blobs.list(prefix)) keys.push(key);
  for (const key of keys) await blobs.remove(key);
}

function missing(message: string): AtelierError {
  return new AtelierError("StorageUnavailable", message);
}
