import sharp from "sharp";
import { expect, test } from "vitest";
import { BLUR_EDGE_PIXELS, blurred } from "./blur.ts";
import { resized, sizeWithin } from "./raw.ts";
import { DEFAULT_RECIPE } from "./renditions.ts";
import { colourDistanceMax, imaging, PHOTO_NAMES, PROVENANCE, photo } from "./testing.ts";

test.each(PHOTO_NAMES)("of %s, nothing but a dozen colours across is left", async (name) => {
  const picture = await imaging.open(photo(name));
  const size = sizeWithin(picture, 256);
  const seen = await blurred(picture, size);
  expect([seen.width, seen.height]).toEqual([size.width, size.height]);

  // Made from those colours alone, it is the same: no detail of the picture has any part in it.
  const few = sizeWithin(picture, BLUR_EDGE_PIXELS);
  const colours = await resized(picture, few.width, few.height);
  expect(few.width * few.height).toBeLessThanOrEqual(BLUR_EDGE_PIXELS ** 2);
  expect(colourDistanceMax(await blurred(colours, size), seen)).toBe(0);

  // And it is far from the picture itself.
  expect(colourDistanceMax(await resized(picture, size.width, size.height), seen)).toBeGreaterThan(60);
});

test("a picture smaller than that is blurred as well", async () => {
  const tiny = await imaging.open(await sharp(photo("chelsea.png")).resize(8, 5).png().toBuffer());
  const seen = await blurred(tiny, { width: 8, height: 5 });
  expect(colourDistanceMax(tiny, seen)).toBeGreaterThan(0);
});

test("the recipe's blurred rendition is what this makes, and small", async () => {
  const picture = await imaging.open(photo("astronaut.png"));
  for await (const made of picture.develop(DEFAULT_RECIPE, PROVENANCE)) {
    if (made.name !== "blurred") continue;
    const opened = await imaging.open(made.data);
    const again = await blurred(opened, opened);
    // Blurring it once more changes little: there is nothing sharp in it.
    expect(colourDistanceMax(again, opened)).toBeLessThan(60);
    expect([made.width, made.height]).toEqual([256, 256]);
    expect(made.bytes).toBeLessThan(6_000);
    return;
  }
  throw new Error("The recipe has no blurred rendition.");
});
