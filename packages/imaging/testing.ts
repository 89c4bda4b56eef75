/** @module What the tests of this package share: real photographs, and comparisons by perception instead of bytes. */
import { readFileSync } from "node:fs";
import { hammingDistance } from "@atelier/core/fingerprint";
import type { OpenPicture, Provenance } from "@atelier/core/pictures";
import { createImaging } from "./open.ts";
import type { RawPicture } from "./raw.ts";

export const PHOTO_NAMES = [
  "astronaut.png",
  "chelsea.png",
  "coffee.png",
  "rocket.jpg",
  "hubble_deep_field.jpg",
] as const;

export function photo(name: (typeof PHOTO_NAMES)[number]): Buffer {
  return readFileSync(new URL(`../../test/fixtures/photos/${name}`, import.meta.url));
}

export const imaging = createImaging({ concurrency: 1 });

export const PROVENANCE: Provenance = {
  imageId: "img_01_00000",
  model: "sdxl",
  modelVersion: "1.0",
  createdAtMs: Date.UTC(2026, 10, 23, 5, 0, 0),
  title: "A title",
  keywords: ["one", "two"],
};

/** Bits of 64 that the difference hashes of two pictures are apart. */
export async function hashDistance(one: OpenPicture, other: OpenPicture): Promise<number> {
  const [a, b] = [await one.measure(), await other.measure()];
  return hammingDistance(a.fingerprint.dhash, b.fingerprint.dhash);
}

/** The largest difference of any channel of any pixel, 0 to 255. */
export function colourDistanceMax(one: RawPicture, other: RawPicture): number {
  if (one.pixels.length !== other.pixels.length) throw new Error("the pictures differ in size");
  return one.pixels.reduce((most, value, at) => Math.max(most, Math.abs(value - (other.pixels[at] ?? 0))), 0);
}

/** The mean of one channel, 0 red to 2 blue. */
export function channelMean({ pixels }: RawPicture, channel: number): number {
  const values = pixels.filter((_, at) => at % 3 === channel);
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
