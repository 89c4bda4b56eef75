import type { QualityParts } from "@atelier/core/image";
import sharp, { type Sharp } from "sharp";
import { expect, test } from "vitest";
import { imaging, PHOTO_NAMES, photo } from "./testing.ts";

async function measured(picture: Sharp | Buffer) {
  return (await imaging.open(Buffer.isBuffer(picture) ? picture : await picture.toBuffer())).measure();
}

test.each(PHOTO_NAMES)(
  "%s: the quality is the worst part, each a whole number from 0 to 100",
  async (name) => {
    const { quality, parts } = await measured(photo(name));
    expect(quality).toBe(Math.min(...Object.values(parts)));
    for (const part of Object.values(parts)) {
      expect(part).toBeGreaterThanOrEqual(0);
      expect(part).toBeLessThanOrEqual(100);
      expect(Number.isInteger(part)).toBe(true);
    }
  },
);

test("good photographs are good, a star field is dark by design", async () => {
  for (const name of ["astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"] as const) {
    expect((await measured(photo(name))).quality, name).toBeGreaterThan(85);
  }
  const { quality, parts } = await measured(photo("hubble_deep_field.jpg"));
  expect(quality).toBe(parts.exposure);
  expect(quality).toBeLessThan(70);
});

function noisy(source: Buffer): Promise<Sharp> {
  return sharp(source)
    .raw()
    .toBuffer({ resolveWithObject: true })
    .then(({ data, info }) => {
      let state = 1;
      const pixels = data.map((value) => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return Math.max(0, Math.min(255, value + (state / 2 ** 32 - 0.5) * 60));
      });
      return sharp(pixels, { raw: { width: info.width, height: info.height, channels: 3 } }).png();
    });
}

const DEFECTS: Record<keyof QualityParts, (source: Buffer) => Sharp | Promise<Sharp>> = {
  sharpness: (source) => sharp(source).blur(3).png(),
  exposure: (source) => sharp(source).linear(1.5, 110).png(),
  contrast: (source) => sharp(source).linear(0.15, 100).png(),
  colourfulness: (source) => sharp(source).grayscale().png(),
  noise: noisy,
  blockiness: (source) => sharp(source).jpeg({ quality: 10 }),
};

test.each(Object.entries(DEFECTS))("the part %s answers to its own defect most", async (part, spoil) => {
  for (const name of ["astronaut.png", "coffee.png"] as const) {
    const clean = await measured(photo(name));
    const spoilt = await measured(await spoil(photo(name)));
    const key = part as keyof QualityParts;
    expect(spoilt.parts[key], name).toBeLessThan(clean.parts[key] - 25);
    expect(spoilt.quality, name).toBe(spoilt.parts[key]);
  }
});

test("a photograph enlarged four times is worse than the original", async () => {
  const small = await sharp(photo("astronaut.png")).resize(224).png().toBuffer();
  const enlarged = await measured(sharp(small).resize(896).png());
  expect(enlarged.parts.sharpness).toBeLessThan(85);
});

test("monochrome is a choice: it keeps 60", async () => {
  const { quality } = await measured(sharp(photo("coffee.png")).grayscale().png());
  expect(quality).toBe(60);
});

test("blocks are found wherever a crop put their grid", async () => {
  const coarse = await sharp(photo("coffee.png")).jpeg({ quality: 10 }).toBuffer();
  const cropped = sharp(coarse).extract({ left: 3, top: 5, width: 500, height: 350 }).png();
  expect((await measured(cropped)).parts.blockiness).toBeLessThan(30);
});

test("a blank sheet is nothing", async () => {
  const blank = sharp({ create: { width: 300, height: 300, channels: 3, background: "#ffffff" } }).png();
  const { quality, colours } = await measured(blank);
  expect(quality).toBe(0);
  expect(colours).toEqual(["white"]);
});
