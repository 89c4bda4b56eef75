import { hammingDistance, NEAR_DUPLICATE_DISTANCE, nearestDuplicate } from "@atelier/core/fingerprint";
import sharp, { type Sharp } from "sharp";
import { expect, test } from "vitest";
import { imaging, PHOTO_NAMES, photo } from "./testing.ts";

const printOf = async (bytes: Uint8Array) => (await (await imaging.open(bytes)).measure()).fingerprint;

const CHANGES: Record<string, (source: Sharp) => Sharp> = {
  "JPEG of quality 30": (source) => source.jpeg({ quality: 30 }),
  AVIF: (source) => source.avif({ quality: 45, effort: 0 }),
  "200 px": (source) => source.resize(200).png(),
  "15 % brighter": (source) => source.linear(1.15, 0).png(),
  mirrored: (source) => source.flop().png(),
};

test.each(Object.entries(CHANGES))("%s is the same picture", async (_, change) => {
  for (const name of ["astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"] as const) {
    const original = { imageId: name, fingerprint: await printOf(photo(name)) };
    const changed = await printOf(await change(sharp(photo(name))).toBuffer());
    expect(nearestDuplicate(changed, [original])?.imageId).toBe(name);
  }
});

test("a mirrored picture has the two hashes exchanged", async () => {
  const original = await printOf(photo("coffee.png"));
  const mirrored = await printOf(await sharp(photo("coffee.png")).flop().png().toBuffer());
  expect(hammingDistance(original.mirrored, mirrored.dhash)).toBeLessThanOrEqual(2);
  expect(hammingDistance(original.dhash, mirrored.dhash)).toBeGreaterThan(NEAR_DUPLICATE_DISTANCE);
});

test("different photographs are far apart", async () => {
  const prints = await Promise.all(
    PHOTO_NAMES.map(async (imageId) => ({ imageId, fingerprint: await printOf(photo(imageId)) })),
  );
  for (const { imageId, fingerprint } of prints) {
    expect(
      nearestDuplicate(
        fingerprint,
        prints.filter((other) => other.imageId !== imageId),
      ),
    ).toBeNull();
  }
});
