/**
 * @module process: decodes once, measures, judges, and develops every rendition from the same pixels. The manifest is
 * written last: a version exists once its manifest does.
 */
import * as z from "zod";
import type { Attempt } from "../../attempt.ts";
import type { Model } from "../../catalogue.ts";
import { AtelierError, isAtelierError } from "../../errors.ts";
import { type Clock, sha256Hex } from "../../ids.ts";
import {
  type Fingerprint,
  type Image,
  type Rendition,
  type StoredOutput,
  type Verdict,
  verdictSchema,
} from "../../image.ts";
import { type Manifest, manifestSchema, SHELVES, versionFolder } from "../../manifest.ts";
import { extensionOf } from "../../media-type.ts";
import { keepOutput } from "../../outcome.ts";
import type { Imaging, Measurement, OpenPicture, Provenance, Recipe } from "../../pictures.ts";
import type { Attempts, Blobs, Images } from "../../ports.ts";
import { judgePicture, providerFilters, type VerdictDeps } from "../../verdict.ts";
import { type AttemptInput, ownedAttempt, ownedImage } from "../ownership.ts";

export const processOutputSchema = z.object({ manifestKey: z.string() });
export type ProcessOutput = z.infer<typeof processOutputSchema>;

export interface ProcessDeps extends VerdictDeps {
  readonly images: Images;
  readonly attempts: Attempts;
  readonly blobs: Blobs;
  readonly imaging: Imaging;
  readonly recipe: Recipe;
  readonly clock: Clock;
  /** Says which models are filtered by their provider; without it none is taken to be. */
  readonly modelOf?: (name: string) => Model | undefined;
  /** Whether a reviewer has removed a picture that looks like this (`picture-block.ts`). */
  readonly isBlocked: (fingerprint: Fingerprint) => Promise<boolean>;
}

interface Candidate {
  readonly output: StoredOutput;
  readonly picture: OpenPicture;
  readonly measurement: Measurement;
}

/** @throws AtelierError `OutputInvalid` when no output is a usable picture, `StorageFull` */
export async function process(input: AttemptInput, deps: ProcessDeps): Promise<ProcessOutput> {
  const image = await ownedImage(input, deps.images);
  const attempt = await ownedAttempt(input, deps.attempts);
  const version = image.version ?? 1;
  const existing = await existingManifest(image, version, deps.blobs);
  if (existing) return { manifestKey: existing };

  const { chosen, alternates, isKnown } = await choose(attempt, deps);
  const circumstances = {
    rating: image.rating,
    providerFilters: providerFilters(deps.modelOf?.(attempt.model)),
  };
  const verdict =
    settledBefore(image) ??
    (isKnown ? KNOWN_PICTURE : await judgePicture(chosen.picture, circumstances, deps));
  const folder = versionFolder(verdict.decision === "released" ? "content" : "quarantine", image, version);
  // Of a picture that nobody may look at, nothing is made.
  const renditions =
    verdict.decision === "rejected" || verdict.sealed
      ? []
      : await developRenditions(image, attempt, chosen.picture, folder, deps);
  const manifest: Manifest = {
    imageId: image.imageId,
    attemptId: attempt.attemptId,
    version,
    category: image.category,
    rating: image.rating,
    provider: attempt.provider,
    model: attempt.model,
    modelVersion: attempt.version,
    recipe: deps.recipe.name,
    chosen: chosen.output,
    alternates,
    quality: chosen.measurement.quality,
    qualityParts: chosen.measurement.parts,
    fingerprint: isKnown ? null : chosen.measurement.fingerprint,
    colours: [...chosen.measurement.colours],
    verdict,
    renditions,
    developedAtMs: deps.clock(),
  };
  return { manifestKey: await writeManifest(folder, manifest, deps.blobs) };
}

const KNOWN_PICTURE: Verdict = verdictSchema.parse({
  decision: "rejected",
  basis: "known-picture",
  rating: null,
  reason: "A reviewer has removed the same picture before.",
});

/** Another attempt's picture of an image that was rejected meanwhile comes too late to be anything else. */
function settledBefore({ status, verdict }: Image): Verdict | null {
  return status === "rejected" ? verdict : null;
}

/** The best output by measured quality; outputs that are no pictures are left out, unless none is one. */
async function choose(
  attempt: Attempt,
  deps: ProcessDeps,
): Promise<{ chosen: Candidate; alternates: StoredOutput[]; isKnown: boolean }> {
  let best: Candidate | undefined;
  let isKnown = false;
  let failure: unknown = new AtelierError(
    "OutputInvalid",
    `Attempt ${attempt.attemptId} has no stored output.`,
  );
  const outputs = await singlePictures(attempt, deps);
  for (const output of outputs) {
    try {
      const blob = await deps.blobs.get(output.key);
      if (!blob) throw new AtelierError("OutputInvalid", `The stored output ${output.key} is missing.`);
      const picture = await deps.imaging.open(blob.bytes);
      const measurement = await picture.measure();
      // One is enough: the others came with it, and would be kept as alternates.
      isKnown ||= await deps.isBlocked(measurement.fingerprint);
      if (!best || measurement.quality > best.measurement.quality) best = { output, picture, measurement };
    } catch (error) {
      if (!isAtelierError(error, "OutputInvalid")) throw error;
      failure = error;
    }
  }
  if (!best) throw failure;
  const chosen = best;
  const grids = attempt.stored.filter((output) => output.layout !== undefined);
  return { chosen, alternates: [...outputs.filter((output) => output !== chosen.output), ...grids], isKnown };
}

/** Grids are cut, and their quarters kept as outputs of their own: one is chosen, the others are alternates. */
async function singlePictures(attempt: Attempt, deps: ProcessDeps): Promise<StoredOutput[]> {
  const singles: StoredOutput[] = [];
  for (const [index, output] of attempt.stored.entries()) {
    if (output.layout === undefined) {
      singles.push(output);
      continue;
    }
    const blob = await deps.blobs.get(output.key);
    if (!blob) throw new AtelierError("OutputInvalid", `The stored output ${output.key} is missing.`);
    const quarters = await deps.imaging.quarters(blob.bytes);
    for (const [quarter, bytes] of quarters.entries()) {
      singles.push(await keepOutput(attempt, `${index}q${quarter}`, { bytes }, deps.blobs));
    }
  }
  return singles;
}

/** @param folder where they stand; see `versionFolder` */
export async function developRenditions(
  image: Image,
  attempt: Attempt,
  picture: OpenPicture,
  folder: string,
  deps: Pick<ProcessDeps, "blobs" | "recipe">,
): Promise<Rendition[]> {
  const renditions: Rendition[] = [];
  // One file is on its way while the next is encoded: the function is paid by the time that it takes.
  let sending: Promise<unknown> = Promise.resolve();
  for await (const { data, ...made } of picture.develop(deps.recipe, provenanceOf(image, attempt))) {
    const path = `${folder}${made.name}-${sha256Hex(data).slice(0, 8)}.${extensionOf(made.contentType)}`;
    await sending;
    sending = deps.blobs.put(path, data, made.contentType);
    // It is waited for below, and fails there.
    sending.catch(() => undefined);
    renditions.push({ ...made, path });
  }
  await sending;
  return renditions;
}

/** What a file may say about itself: never the prompt. The time is the purchase's. */
function provenanceOf(image: Image, attempt: Attempt): Provenance {
  return {
    imageId: image.imageId,
    model: attempt.model,
    modelVersion: attempt.version,
    createdAtMs: attempt.createdAtMs,
    title: `${image.category} ${image.localDate}`,
    keywords: image.tags,
    rating: image.rating,
  };
}

/**
 * Put-if-absent: when another run has committed meanwhile, its version stands.
 *
 * @returns the manifest's key
 */
export async function writeManifest(folder: string, manifest: Manifest, blobs: Blobs): Promise<string> {
  const key = `${folder}manifest.json`;
  try {
    await blobs.put(key, Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`), "application/json");
  } catch (error) {
    if (!isAtelierError(error, "BlobConflict")) throw error;
  }
  return key;
}

async function existingManifest(image: Image, version: number, blobs: Blobs): Promise<string | null> {
  const keys = SHELVES.map((shelf) => `${versionFolder(shelf, image, version)}manifest.json`);
  const heads = await Promise.all(keys.map((key) => blobs.head(key)));
  return keys.find((_, index) => heads[index] !== undefined) ?? null;
}

/** @throws AtelierError `StorageUnavailable` when it is missing or damaged */
export async function readManifest(key: string, blobs: Pick<Blobs, "get">): Promise<Manifest> {
  const blob = await blobs.get(key);
  const parsed = blob && manifestSchema.safeParse(JSON.parse(Buffer.from(blob.bytes).toString("utf8")));
  if (!parsed?.success)
    throw new AtelierError("StorageUnavailable", `The manifest ${key} is missing or damaged.`);
  return parsed.data;
}
