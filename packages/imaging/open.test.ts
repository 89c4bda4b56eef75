import sharp from "sharp";
import { expect, test } from "vitest";
import { channelMean, colourDistanceMax, hashDistance, imaging, PHOTO_NAMES, photo } from "./testing.ts";

test.each(PHOTO_NAMES)("%s opens at its own size as RGB", async (name) => {
  const header = await sharp(photo(name)).metadata();
  const picture = await imaging.open(photo(name));
  expect([picture.width, picture.height, picture.format]).toEqual([
    header.width,
    header.height,
    header.format,
  ]);
  expect(picture.pixels.length).toBe(header.width * header.height * 3);
});

test("every format gives the same picture", async () => {
  const original = await imaging.open(photo("chelsea.png"));
  const source = sharp(photo("chelsea.png"));
  const lossless = await imaging.open(await source.clone().webp({ lossless: true }).toBuffer());
  expect(lossless.format).toBe("webp");
  expect(colourDistanceMax(original, lossless)).toBe(0);
  const others = [source.clone().jpeg({ quality: 30 }), source.clone().avif({ quality: 50, effort: 0 })];
  for (const [index, encoder] of others.entries()) {
    const other = await imaging.open(await encoder.toBuffer());
    expect(other.format).toBe(["jpeg", "avif"][index]);
    expect(await hashDistance(original, other)).toBeLessThanOrEqual(2);
  }
});

test("transparency is put on white", async () => {
  const half = { r: 200, g: 0, b: 0, alpha: 0.5 };
  const png = await sharp({ create: { width: 20, height: 10, channels: 4, background: half } })
    .png()
    .toBuffer();
  const { pixels } = await imaging.open(png);
  expect(pixels.length).toBe(20 * 10 * 3);
  const [red = 0, green = 0, blue = 0] = pixels;
  expect(red).toBeCloseTo(227, -1);
  expect(green).toBeCloseTo(127, -1);
  expect(blue).toBe(green);
});

test("EXIF orientation is applied", async () => {
  const sideways = await sharp(photo("rocket.jpg")).withMetadata({ orientation: 6 }).jpeg().toBuffer();
  const picture = await imaging.open(sideways);
  expect([picture.width, picture.height]).toEqual([427, 640]);
  const upright = await imaging.open(await sharp(photo("rocket.jpg")).rotate(90).png().toBuffer());
  expect(await hashDistance(picture, upright)).toBeLessThanOrEqual(2);
});

test("colours are converted to sRGB by the embedded profile", async () => {
  const original = await imaging.open(photo("coffee.png"));
  const wide = await sharp(photo("coffee.png")).withIccProfile("p3").png().toBuffer();
  const stored = await sharp(wide, { ignoreIcc: true }).raw().toBuffer();
  const opened = await imaging.open(wide);
  // The numbers in the file differ (other primaries), the picture does not.
  const storedRed = channelMean({ width: opened.width, height: opened.height, pixels: stored }, 0);
  expect(Math.abs(storedRed - channelMean(original, 0))).toBeGreaterThan(2);
  expect(Math.abs(channelMean(opened, 0) - channelMean(original, 0))).toBeLessThan(1);
});

test.each([
  ["grey", () => sharp(photo("chelsea.png")).toColourspace("b-w").png()],
  ["16 bits", () => sharp(photo("chelsea.png")).toColourspace("rgb16").png()],
  ["a palette", () => sharp(photo("chelsea.png")).png({ palette: true })],
  ["CMYK", () => sharp(photo("chelsea.png")).toColourspace("cmyk").jpeg()],
])("%s becomes 8-bit RGB", async (_, encoder) => {
  const original = await imaging.open(photo("chelsea.png"));
  const opened = await imaging.open(await encoder().toBuffer());
  expect(opened.pixels.length).toBe(original.pixels.length);
  expect(await hashDistance(original, opened)).toBeLessThanOrEqual(3);
});

test("one pixel is a picture", async () => {
  const dot = await sharp({ create: { width: 1, height: 1, channels: 3, background: "#ff0000" } })
    .png()
    .toBuffer();
  const picture = await imaging.open(dot);
  expect([...picture.pixels]).toEqual([255, 0, 0]);
  const { quality, colours } = await picture.measure();
  expect(quality).toBe(0);
  expect(colours).toEqual(["red"]);
});

test("opening many pictures in a row does not grow", async () => {
  const input = await sharp(photo("coffee.png")).resize(2048, 2048).png({ compressionLevel: 1 }).toBuffer();
  await imaging.open(input);
  const before = process.memoryUsage.rss();
  for (let index = 0; index < 12; index++) await imaging.open(input);
  // Twelve decoded pictures are 144 MB, and it grows by 130 where they are kept, by some 30 where none is.
  expect(process.memoryUsage.rss() - before).toBeLessThan(80 * 1024 * 1024);
});
