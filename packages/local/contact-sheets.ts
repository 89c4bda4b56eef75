/** @module Contact sheets: one overview picture of a batch, beside the pictures in the data folder. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ImageDocument } from "@atelier/core/document";
import { formatUsd, MICROS_PER_USD } from "@atelier/core/money";
import { contactSheet } from "@atelier/imaging/contact-sheet";
import type { Installation } from "./installation.ts";

/** @returns the sheet's path relative to the data folder, or null when none of the images has a picture */
export async function writeContactSheet(
  images: readonly ImageDocument[],
  { dataFolder, clock }: Pick<Installation, "dataFolder" | "clock">,
): Promise<string | null> {
  const shown = images.flatMap((image) => {
    const preview = image.renditions.find(({ name }) => name === "preview");
    return preview ? [{ image, path: join(dataFolder, preview.path) }] : [];
  });
  if (shown.length === 0) return null;
  const sheet = await contactSheet(
    shown.map(({ image, path }) => ({ picture: path, caption: captionOf(image) })),
    { title: "ATELIER", subtitle: `${shown.length} pictures` },
  );
  const relative = `contact-sheets/${new Date(clock()).toISOString().replace(/[:.]/g, "-")}.jpg`;
  await mkdir(join(dataFolder, "contact-sheets"), { recursive: true });
  await writeFile(join(dataFolder, relative), sheet);
  return relative;
}

function captionOf(image: ImageDocument): string[] {
  const cost = formatUsd(Math.round(image.metadata.cost * MICROS_PER_USD));
  return [
    image.template ?? image.category,
    `${image.model ?? ""} ${cost} Q${Math.round(image.metadata.quality ?? 0)}`,
  ];
}
