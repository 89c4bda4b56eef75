import { isAtelierError } from "@atelier/core/errors";
import fc from "fast-check";
import sharp from "sharp";
import { expect, test } from "vitest";
import { pngChunks } from "./png.ts";
import { imaging, photo } from "./testing.ts";

/** The pixels of a part of a picture, cut out by hand. */
function part(
  picture: { width: number; pixels: Uint8Array },
  left: number,
  top: number,
  width: number,
  height: number,
): Uint8Array {
  const rows = Array.from({ length: height }, (_, row) => {
    const start = ((top + row) * picture.width + left) * 3;
    return picture.pixels.subarray(start, start + width * 3);
  });
  return Buffer.concat(rows);
}

async function gridOf(width: number, height: number) {
  const pixels = Uint8Array.from({ length: width * height * 3 }, (_, at) => (at * 89 + (at >> 8)) % 256);
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

test("every pixel is in exactly one quarter, in reading order, at any size", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 2, max: 33 }),
      fc.integer({ min: 2, max: 33 }),
      async (width, height) => {
        const grid = await gridOf(width, height);
        const whole = await imaging.open(grid);
        const [middle, centre] = [Math.floor(width / 2), Math.floor(height / 2)];
        const expected = [
          [0, 0, middle, centre],
          [middle, 0, width - middle, centre],
          [0, centre, middle, height - centre],
          [middle, centre, width - middle, height - centre],
        ] as const;
        const quarters = await imaging.quarters(grid);
        expect(quarters).toHaveLength(4);
        for (const [at, [left, top, quarterWidth, quarterHeight]] of expected.entries()) {
          const quarter = await imaging.open(quarters[at] ?? new Uint8Array());
          expect(quarter).toMatchObject({ width: quarterWidth, height: quarterHeight, format: "png" });
          const cut = part(whole, left, top, quarterWidth, quarterHeight);
          expect(Buffer.compare(quarter.pixels, cut)).toBe(0);
        }
      },
    ),
    { numRuns: 25 },
  );
});

test.each(["png", "jpeg", "webp"] as const)("a grid as %s is cut as it opens", async (format) => {
  const grid = await sharp(photo("chelsea.png")).resize(321, 201).toFormat(format).toBuffer();
  const whole = await imaging.open(grid);
  const [, topRight] = await imaging.quarters(grid);
  const opened = await imaging.open(topRight ?? new Uint8Array());
  expect(Buffer.compare(opened.pixels, part(whole, 160, 0, 161, 100))).toBe(0);
});

test("a photograph that lies on its side is turned before it is cut", async () => {
  const lying = await sharp(photo("chelsea.png"))
    .resize(40, 20)
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer();
  const whole = await imaging.open(lying);
  expect(whole).toMatchObject({ width: 20, height: 40 });
  const [first] = await imaging.quarters(lying);
  const opened = await imaging.open(first ?? new Uint8Array());
  expect(opened).toMatchObject({ width: 10, height: 20 });
  expect(Buffer.compare(opened.pixels, part(whole, 0, 0, 10, 20))).toBe(0);
});

test("the same file gives the same bytes, with the picture alone in them", async () => {
  const grid = await sharp(photo("coffee.png")).resize(64, 48).withMetadata().png().toBuffer();
  const once = await imaging.quarters(grid);
  expect((await imaging.quarters(grid)).map((quarter) => Buffer.from(quarter))).toEqual(
    once.map((quarter) => Buffer.from(quarter)),
  );
  const types = new Set([...pngChunks(once[0] ?? new Uint8Array())].map(({ type }) => type));
  for (const type of ["tEXt", "iTXt", "eXIf", "iCCP", "tIME"]) expect(types).not.toContain(type);
});

test.each([
  ["text", Buffer.from("Not found"), "text"],
  ["nothing", new Uint8Array(), "is empty"],
])("%s is refused as it is by open", async (_, bytes, found) => {
  const refused = await imaging.quarters(bytes).catch((error: unknown) => error);
  expect(isAtelierError(refused, "OutputInvalid") && refused.message).toContain(found);
});

test("a cut-off file and a line of pixels are refused", async () => {
  const grid = await gridOf(32, 32);
  await expect(imaging.quarters(grid.subarray(0, grid.length >> 1))).rejects.toMatchObject({
    name: "OutputInvalid",
  });
  await expect(imaging.quarters(await gridOf(1, 8))).rejects.toMatchObject({
    name: "OutputInvalid",
    message: "The output is 1 x 8 pixels, which cannot be a grid of four pictures.",
  });
});
