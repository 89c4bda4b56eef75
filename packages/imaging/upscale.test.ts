import * as fc from "fast-check";
import sharp from "sharp";
import { expect, test } from "vitest";
import { type RawPicture, resized } from "./raw.ts";
import { DEFAULT_RECIPE } from "./renditions.ts";
import { colourDistanceMax, hashDistance, imaging, PROVENANCE, photo } from "./testing.ts";
import { upscaled } from "./upscale.ts";

test.each([2, 4] as const)(
  "%d times: every rendition of the recipe, of the same picture",
  async (upscale) => {
    const small = await sharp(photo("astronaut.png")).resize(300, 200, { fit: "cover" }).png().toBuffer();
    const original = await imaging.open(small);
    const sizes: unknown[] = [];
    for await (const made of original.develop({ ...DEFAULT_RECIPE, upscale }, PROVENANCE)) {
      sizes.push([made.name, made.width, made.height]);
      if (made.name === "blurred") continue;
      expect(await hashDistance(original, await imaging.open(made.data)), made.name).toBeLessThanOrEqual(2);
    }
    expect(sizes).toStrictEqual(
      upscale === 2
        ? [
            ["full", 600, 400],
            ["web", 600, 400],
            ["preview", 512, 341],
            ["thumbnail", 256, 171],
            ["blurred", 256, 171],
          ]
        : [
            ["full", 1200, 800],
            ["web", 1024, 683],
            ["preview", 512, 341],
            ["thumbnail", 256, 171],
            ["blurred", 256, 171],
          ],
    );
  },
);

test("what was made smaller comes back closer than by the bicubic way", async () => {
  const whole = await imaging.open(await sharp(photo("coffee.png")).resize(600, 400).png().toBuffer());
  const half = await resized(whole, 300, 200);
  const bicubic = await resized(half, 600, 400);
  expect(meanError(whole, upscaled(half, 2))).toBeLessThan(meanError(whole, bicubic));
});

test("an even colour stays as it is, and no size is too small", () => {
  const sizes = fc.record({ width: fc.integer({ min: 1, max: 9 }), height: fc.integer({ min: 1, max: 9 }) });
  const colour = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255));
  fc.assert(
    fc.property(sizes, colour, fc.constantFrom(2, 4), ({ width, height }, channels, factor) => {
      const pixels = Uint8Array.from({ length: width * height * 3 }, (_, at) => channels[at % 3] as number);
      const large = upscaled({ width, height, pixels }, factor as 2 | 4);
      expect([large.width, large.height]).toStrictEqual([width * factor, height * factor]);
      const even = Uint8Array.from({ length: large.pixels.length }, (_, at) => channels[at % 3] as number);
      expect(Buffer.compare(large.pixels, even)).toBe(0);
    }),
    { numRuns: 50 },
  );
});

test("stronger work changes more than the standard one", async () => {
  const picture = await imaging.open(photo("chelsea.png"));
  const change = async (enhance: "standard" | "strong"): Promise<number> => {
    const recipe = {
      name: "test",
      enhance,
      steps: [{ rendition: "full", format: "webp", edge: null, quality: 100 }],
    } as const;
    const [made] = await Array.fromAsync(picture.develop(recipe, PROVENANCE));
    if (!made) throw new Error("a rendition is missing");
    return (
      colourDistanceMax(picture, await imaging.open(made.data)) +
      meanError(picture, await imaging.open(made.data))
    );
  };
  expect(await change("strong")).toBeGreaterThan(await change("standard"));
});

/** Mean difference of the channels, 0 to 255. */
function meanError(one: RawPicture, other: RawPicture): number {
  let sum = 0;
  for (const [at, value] of one.pixels.entries()) sum += Math.abs(value - (other.pixels[at] as number));
  return sum / one.pixels.length;
}
