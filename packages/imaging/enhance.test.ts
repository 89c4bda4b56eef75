import sharp from "sharp";
import { expect, test } from "vitest";
import { enhance, levelsOf } from "./enhance.ts";
import { decode, type RawPicture } from "./raw.ts";
import { channelMean, photo } from "./testing.ts";

const rawOf = (bytes: Uint8Array) => decode(bytes, 1e9);

function deviation({ pixels }: RawPicture): number {
  const mean = pixels.reduce((sum, value) => sum + value, 0) / pixels.length;
  return Math.sqrt(pixels.reduce((sum, value) => sum + (value - mean) ** 2, 0) / pixels.length);
}

test("a full range is left as it is", () => {
  const pixels = Uint8Array.from({ length: 256 * 3 }, (_, at) => Math.floor(at / 3));
  expect(levelsOf({ width: 256, height: 1, pixels })).toEqual({ gain: 1, shift: 0 });
});

test("a flat picture is stretched a little, and keeps its mood", async () => {
  const flat = await rawOf(await sharp(photo("coffee.png")).linear(0.5, 60).png().toBuffer());
  const { gain } = levelsOf(flat);
  expect(gain).toBe(1.1);
  const better = enhance(flat);
  expect(deviation(better)).toBeGreaterThan(deviation(flat) * 1.05);
  expect(Math.abs(channelMean(better, 1) - channelMean(flat, 1))).toBeLessThan(12);
});

test("a night stays a night", async () => {
  const night = await rawOf(photo("hubble_deep_field.jpg"));
  expect(channelMean(enhance(night), 1)).toBeLessThan(channelMean(night, 1) + 5);
});

test.each([0, 17, 255])("one colour (%i) stays itself", (value) => {
  const blank = { width: 5, height: 4, pixels: new Uint8Array(60).fill(value) };
  const values = new Set(enhance(blank).pixels);
  expect(values.size).toBe(1);
  expect(Math.abs(([...values][0] ?? -1) - value)).toBeLessThanOrEqual(2);
});

test("edges get steeper, with no coloured fringe on grey", () => {
  const pixels = Uint8Array.from({ length: 12 * 8 * 3 }, (_, at) => (Math.floor(at / 3) % 12 < 6 ? 80 : 160));
  const { pixels: enhanced } = enhance({ width: 12, height: 8, pixels });
  const row = Array.from({ length: 12 }, (_, x) => enhanced.subarray((4 * 12 + x) * 3, (4 * 12 + x) * 3 + 3));
  expect(row.every(([red, green, blue]) => red === green && green === blue)).toBe(true);
  const greys = row.map(([grey = 0]) => grey);
  expect(Math.min(...greys)).toBe(greys[5]);
  expect(Math.max(...greys)).toBe(greys[6]);
  expect((greys[6] ?? 0) - (greys[5] ?? 0)).toBeGreaterThan((greys[11] ?? 0) - (greys[0] ?? 0));
});
