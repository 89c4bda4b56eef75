import { sha256Hex } from "@atelier/core/ids";
import type { DevelopedRendition, Recipe } from "@atelier/core/pictures";
import sharp from "sharp";
import { expect, test } from "vitest";
import { DEFAULT_RECIPE } from "./renditions.ts";
import { colourDistanceMax, hashDistance, imaging, PROVENANCE, photo } from "./testing.ts";

async function developed(bytes: Uint8Array, recipe: Recipe = DEFAULT_RECIPE): Promise<DevelopedRendition[]> {
  const picture = await imaging.open(bytes);
  const renditions: DevelopedRendition[] = [];
  for await (const rendition of picture.develop(recipe, PROVENANCE)) renditions.push(rendition);
  return renditions;
}

test("a picture of 1200 x 800 gets every rendition of the recipe, in its order", async () => {
  const renditions = await developed(await sharp(photo("coffee.png")).resize(1200, 800).png().toBuffer());
  expect(
    renditions.map(({ name, width, height, contentType }) => [name, width, height, contentType]),
  ).toEqual([
    ["full", 1200, 800, "image/jpeg"],
    ["web", 1024, 683, "image/webp"],
    ["preview", 512, 341, "image/webp"],
    ["thumbnail", 256, 171, "image/webp"],
    ["blurred", 256, 171, "image/webp"],
  ]);
  for (const { data, width, height, bytes, sha256, contentType } of renditions) {
    const header = await sharp(data).metadata();
    expect([header.width, header.height, `image/${header.format}`]).toEqual([width, height, contentType]);
    expect(bytes).toBe(data.length);
    expect(sha256).toBe(sha256Hex(data));
  }
});

test("every rendition looks like the original", async () => {
  const original = await imaging.open(photo("astronaut.png"));
  for (const { data, name } of await developed(photo("astronaut.png"))) {
    if (name === "blurred") continue;
    expect(await hashDistance(original, await imaging.open(data)), name).toBeLessThanOrEqual(2);
  }
});

test("nothing is enlarged", async () => {
  const renditions = await developed(await sharp(photo("chelsea.png")).resize(200, 133).png().toBuffer());
  expect(renditions.map(({ width, height }) => [width, height])).toEqual(Array(5).fill([200, 133]));
});

test("without enhancing, the pixels are the provider's", async () => {
  const step = { rendition: "full", format: "webp", edge: null, quality: 100 } as const;
  const original = await imaging.open(photo("chelsea.png"));
  const [plain] = await developed(photo("chelsea.png"), { name: "plain", enhance: "none", steps: [step] });
  const [enhanced] = await developed(photo("chelsea.png"), {
    name: "enhanced",
    enhance: "standard",
    steps: [step],
  });
  if (!plain || !enhanced) throw new Error("a rendition is missing");
  const [kept, changed] = [await imaging.open(plain.data), await imaging.open(enhanced.data)];
  expect(colourDistanceMax(original, kept)).toBeLessThan(colourDistanceMax(original, changed));
});

test("steps may come smallest first", async () => {
  const steps = DEFAULT_RECIPE.steps.toReversed();
  const renditions = await developed(photo("coffee.png"), { ...DEFAULT_RECIPE, steps });
  expect(renditions.map(({ name, width }) => [name, width])).toEqual([
    ["blurred", 256],
    ["thumbnail", 256],
    ["preview", 512],
    ["web", 600],
    ["full", 600],
  ]);
});

test("nothing that the source file says of itself is left", async () => {
  const foreign = await sharp(photo("rocket.jpg"))
    .withExif({
      IFD0: { Copyright: "SECRET-COPYRIGHT", ImageDescription: "SECRET-DESCRIPTION" },
      IFD3: { GPSLatitudeRef: "N", GPSLatitude: "51/1 30/1 3230/100" },
    })
    .withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/">SECRET-XMP</x:xmpmeta>')
    .withIccProfile("p3", { attach: true })
    .jpeg()
    .toBuffer();
  const comment = Buffer.from("\xff\xfe\x00\x10SECRET-COMMENT", "latin1");
  const source = Buffer.concat([foreign.subarray(0, 2), comment, foreign.subarray(2)]);
  const before = await sharp(source).metadata();
  expect([before.exif, before.icc, before.xmp].includes(undefined)).toBe(false);
  expect(source.includes("SECRET-COMMENT")).toBe(true);

  for (const { data, name } of await developed(source)) {
    const after = await sharp(data).metadata();
    expect([after.exif, after.icc, after.iptc, after.comments], name).toEqual(Array(4).fill(undefined));
    expect(after.xmpAsString, name).toContain("trainedAlgorithmicMedia");
    expect(Buffer.from(data).includes("SECRET"), name).toBe(false);
    expect(Buffer.from(data).includes("GPS"), name).toBe(false);
  }
});
