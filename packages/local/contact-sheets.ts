/**
 * @module Contact sheets: one overview picture of a batch, beside the pictures in the data folder. Each has a list of what it shows, so
 * that it goes when one of its pictures does.
 */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isAgeAttested } from "@atelier/core/attestations";
import type { ImageDocument } from "@atelier/core/document";
import { formatUsd, MICROS_PER_USD } from "@atelier/core/money";
import { listedRendition } from "@atelier/core/viewing";
import { contactSheet } from "@atelier/imaging/contact-sheet";
import * as z from "zod";
import type { Installation } from "./installation.ts";
import { faultCode, storageFault } from "./storage-fault.ts";

const FOLDER = "contact-sheets";

/**
 * Pictures that may not be shown to whoever runs this (rated without an attested age, or in quarantine) are blurred.
 *
 * @returns the sheet's path relative to the data folder, or null when none of the images has a picture
 */
export async function writeContactSheet(
  images: readonly ImageDocument[],
  { dataFolder, clock, gate, steps }: Pick<Installation, "dataFolder" | "clock" | "gate" | "steps">,
): Promise<string | null> {
  const isAttested = isAgeAttested(await gate.attestations.age(steps.actor), clock());
  const shown = images.flatMap((image) => {
    const rendition = listedRendition(image, "preview", isAttested);
    return rendition ? [{ image, path: join(dataFolder, rendition.path) }] : [];
  });
  if (shown.length === 0) return null;
  const sheet = await contactSheet(
    shown.map(({ image, path }) => ({ picture: path, caption: captionOf(image) })),
    { title: "ATELIER", subtitle: `${shown.length} pictures` },
  );
  const name = `${FOLDER}/${new Date(clock()).toISOString().replace(/[:.]/g, "-")}`;
  await mkdir(join(dataFolder, FOLDER), { recursive: true });
  const list = { images: shown.map(({ image }) => image.image_id) };
  await writeFile(join(dataFolder, `${name}.json`), `${JSON.stringify(list)}\n`);
  await writeFile(join(dataFolder, `${name}.jpg`), sheet);
  return `${name}.jpg`;
}

const listSchema = z.object({ images: z.array(z.string()) });

/**
 * Removes every sheet that shows the image, and those of which nobody can tell what they show.
 *
 * @throws AtelierError `FolderUnusable`, `StorageUnavailable` for sheets that cannot be listed
 */
export async function removeContactSheetsOf(imageId: string, dataFolder: string): Promise<void> {
  const folder = join(dataFolder, FOLDER);
  const names = await readdir(folder).catch((error: unknown): string[] => {
    if (faultCode(error) === "ENOENT") return [];
    throw storageFault(error, folder);
  });
  for (const sheet of names.filter((name) => name.endsWith(".jpg"))) {
    const list = join(folder, sheet.replace(/\.jpg$/, ".json"));
    const images = await shownOn(list);
    if (images !== null && !images.includes(imageId)) continue;
    await rm(join(folder, sheet), { force: true });
    await rm(list, { force: true });
  }
}

async function shownOn(list: string): Promise<readonly string[] | null> {
  try {
    return listSchema.parse(JSON.parse(await readFile(list, "utf8"))).images;
  } catch {
    return null;
  }
}

function captionOf(image: ImageDocument): string[] {
  const cost = formatUsd(Math.round(image.metadata.cost * MICROS_PER_USD));
  return [
    image.template ?? image.category,
    `${image.model ?? ""} ${cost} Q${Math.round(image.metadata.quality ?? 0)}`,
  ];
}
