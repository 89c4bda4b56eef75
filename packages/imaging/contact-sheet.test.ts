import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { expect, test } from "vitest";
import { contactSheet } from "./contact-sheet.ts";
import { DIGITAL_SOURCE_TYPE } from "./provenance.ts";
import { imaging, photo } from "./testing.ts";

const CELL = 120;
const solid = (background: string, width = 200, height = 200) =>
  sharp({ create: { width, height, channels: 3, background } })
    .png()
    .toBuffer();

test("puts up to five pictures in a row, each above its caption", async () => {
  const colours = ["#ff0000", "#00ff00", "#0000ff", "#ffff00", "#ff00ff", "#00ffff"];
  const pictures = await Promise.all(
    colours.map(async (colour) => ({ picture: await solid(colour), caption: ["name", "quality 90"] })),
  );
  const sheet = await imaging.open(await contactSheet(pictures, { cellPixels: CELL }));
  expect(sheet.format).toBe("jpeg");
  expect(sheet.width).toBe(80 + 5 * CELL + 4 * 22);
  const rowPixels = CELL + 14 + 2 * 20 + 22;
  expect(sheet.height).toBe(40 + 2 * rowPixels - 22 + 40);
  for (const [index, colour] of colours.entries()) {
    const x = 40 + (index % 5) * (CELL + 22) + CELL / 2;
    const y = 40 + Math.floor(index / 5) * rowPixels + CELL / 2;
    const at = (y * sheet.width + x) * 3;
    const found = [...sheet.pixels.subarray(at, at + 3)].map((value) => (value > 128 ? "ff" : "00"));
    expect(`#${found.join("")}`).toBe(colour);
  }
});

test("takes paths and any proportions, and says that it is synthetic", async () => {
  const path = fileURLToPath(new URL("../../test/fixtures/photos/rocket.jpg", import.meta.url));
  const bytes = await contactSheet(
    [
      { picture: path, caption: ["from a path, with a caption that is far too long for its cell"] },
      { picture: photo("astronaut.png"), caption: [] },
      { picture: await solid("#888888", 2000, 3), caption: ["<&>"] },
    ],
    { title: "Monday", subtitle: "2026-11-23", columns: 2, cellPixels: CELL },
  );
  const header = await sharp(bytes).metadata();
  expect(header.width).toBe(80 + 2 * CELL + 22);
  expect(header.xmpAsString).toContain(DIGITAL_SOURCE_TYPE);
});

test("a sheet of nothing is refused", async () => {
  await expect(contactSheet([])).rejects.toThrow("at least one picture");
});
