import { hammingDistance, NEAR_DUPLICATE_DISTANCE } from "@atelier/core/fingerprint";
import { expect, test } from "vitest";
import { fingerprintOf } from "./fingerprint.ts";
import { drawPlaceholder } from "./placeholder.ts";
import { channelMean, colourDistanceMax, imaging } from "./testing.ts";

const KEY = Buffer.from("a key of the data folder");
const draw = (
  seed: number,
  more: { width?: number; height?: number; title?: string; lines?: string[] } = {},
) =>
  drawPlaceholder({
    width: 512,
    height: 512,
    seed,
    title: "sdxl",
    lines: ["seed", "steps"],
    key: KEY,
    ...more,
  });

test("the same arguments give the same bytes", async () => {
  expect((await draw(7)).equals(await draw(7))).toBe(true);
});

test("it is believed as the sandbox's own", async () => {
  const picture = await imaging.open(await draw(7));
  expect(picture.format).toBe("png");
  expect(picture.markedBy(KEY)).toBe(true);
  expect(picture.markedBy(Buffer.from("another key"))).toBe(false);
});

test("fifty seeds give fifty pictures of decent quality, none a near-duplicate of another, mirrored or not", async () => {
  const prints = [];
  for (let seed = 1; seed <= 50; seed++) {
    // Neighbouring and distant seeds alike.
    const picture = await imaging.open(
      await draw(seed % 2 === 0 ? seed : seed * 40_503_017, { width: 256, height: 256 }),
    );
    const { quality, fingerprint } = await picture.measure();
    expect(quality, `seed ${seed}`).toBeGreaterThan(50);
    for (const other of prints) {
      expect(hammingDistance(fingerprint.dhash, other.dhash)).toBeGreaterThan(NEAR_DUPLICATE_DISTANCE);
      expect(hammingDistance(fingerprint.mirrored, other.dhash)).toBeGreaterThan(NEAR_DUPLICATE_DISTANCE);
    }
    prints.push(fingerprint);
  }
});

test("the words do not change which picture it is", async () => {
  const one = await imaging.open(await draw(7));
  const other = await imaging.open(await draw(7, { title: "flux-schnell", lines: ["another"] }));
  expect(colourDistanceMax(one, other)).toBeGreaterThan(50);
  const [a, b] = [await fingerprintOf(one), await fingerprintOf(other)];
  expect(hammingDistance(a.dhash, b.dhash)).toBeLessThanOrEqual(NEAR_DUPLICATE_DISTANCE);
});

test("the letters stand out from the scene", async () => {
  const { width, height, pixels } = await imaging.open(await draw(11));
  const bottom = pixels.subarray(Math.floor(height * 0.7) * width * 3);
  const white = bottom.filter((value) => value > 245).length / bottom.length;
  expect(white).toBeGreaterThan(0.02);
  expect(channelMean({ width, height, pixels: bottom }, 1)).toBeLessThan(140);
});

test.each([
  [64, 64],
  [64, 2048],
  [2048, 64],
  [1536, 640],
])("%i x %i is drawn too, whatever the words", async (width, height) => {
  const lines = ["a very long line ".repeat(40), "<&>", "", "漢字"];
  const picture = await imaging.open(await draw(3, { width, height, title: "t".repeat(300), lines }));
  expect([picture.width, picture.height]).toEqual([width, height]);
});
