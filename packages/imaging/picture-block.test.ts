import { type BlockedPicture, createPictureBlock } from "@atelier/core/picture-block";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { imaging, PHOTO_NAMES, photo } from "./testing.ts";

const entries: BlockedPicture[] = [];
const block = createPictureBlock(
  { add: async (one) => void entries.push(one), all: async () => entries },
  Buffer.from("a key for tests"),
);
const fingerprintOf = async (bytes: Uint8Array) => (await (await imaging.open(bytes)).measure()).fingerprint;

describe("a photograph that was removed is recognised", async () => {
  const [removed, ...others] = PHOTO_NAMES;
  await block.block("img_removed", await fingerprintOf(photo(removed)), 1);
  const source = () => sharp(photo(removed));

  test.each([
    ["as a poor JPEG", () => source().jpeg({ quality: 35 })],
    ["as a WebP", () => source().webp({ quality: 60 })],
    ["at half its size", () => source().resize(256).png()],
    ["at twice its size", () => source().resize(1024).jpeg()],
    ["brighter", () => source().modulate({ brightness: 1.15 }).jpeg()],
    ["in grey", () => source().greyscale().jpeg()],
    ["mirrored", () => source().flop().jpeg({ quality: 70 })],
    ["slightly blurred", () => source().blur(1.2).jpeg()],
  ])("%s", async (_, made) => {
    expect(await block.isBlocked(await fingerprintOf(await made().toBuffer()))).toBe(true);
  });

  test.each(others)("and %s is not taken for it", async (name) => {
    expect(await block.isBlocked(await fingerprintOf(photo(name)))).toBe(false);
  });
});
