import sharp from "sharp";
import { expect, test } from "vitest";
import { dominantColours, PALETTE } from "./colours.ts";
import { imaging, photo } from "./testing.ts";

test.each(Object.entries(PALETTE))(
  "%s is called by its name, which is a tag",
  async (name, [red, green, blue]) => {
    const pixels = Uint8Array.from({ length: 8 * 8 * 3 }, (_, at) => [red, green, blue][at % 3] ?? 0);
    expect(await dominantColours({ width: 8, height: 8, pixels })).toEqual([name]);
    expect(name).toMatch(/^[a-z][a-z_]+$/);
  },
);

test("names what one sees in a photograph, the most frequent first", async () => {
  const coffee = await dominantColours(await imaging.open(photo("coffee.png")));
  expect(coffee.slice(0, 2)).toEqual(["terracotta", "tan"]);
  expect(await dominantColours(await imaging.open(photo("hubble_deep_field.jpg")))).toEqual(["black"]);
});

test("an accent is not dominant", async () => {
  const picture = sharp({ create: { width: 100, height: 100, channels: 3, background: "#0e0e0f" } });
  const dot = await sharp({ create: { width: 20, height: 20, channels: 3, background: "#ce2028" } })
    .png()
    .toBuffer();
  const accented = await picture
    .composite([{ input: dot, left: 10, top: 10 }])
    .png()
    .toBuffer();
  expect(await dominantColours(await imaging.open(accented))).toEqual(["black"]);
});
