import fc from "fast-check";
import sharp from "sharp";
import { expect, test } from "vitest";
import { fitted, lettering, letteringWidth, wrapped } from "./letters.ts";

const STYLE = { capPixels: 20, colour: "#ffffff" };

async function inkOf(text: string): Promise<{ left: number; right: number; top: number; bottom: number }> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="400" height="60">${lettering(text, 20, 20, STYLE)}</svg>`;
  const { data, info } = await sharp(Buffer.from(svg))
    .flatten({ background: "#000" })
    .greyscale()
    .raw()
    .toBuffer({
      resolveWithObject: true,
    });
  const ink = { left: info.width, right: -1, top: info.height, bottom: -1 };
  for (const [at, value] of data.entries()) {
    if (value < 100) continue;
    const [x, y] = [at % info.width, Math.floor(at / info.width)];
    ink.left = Math.min(ink.left, x);
    ink.right = Math.max(ink.right, x);
    ink.top = Math.min(ink.top, y);
    ink.bottom = Math.max(ink.bottom, y);
  }
  return ink;
}

test.each([..."ABCDEFGHIKLMNOPRSTUVWXYZ0123456789"])(
  "%s fills its box, from the top to the baseline",
  async (letter) => {
    const ink = await inkOf(letter);
    const right = 20 + letteringWidth(letter, STYLE);
    expect(Math.abs(ink.top - 19)).toBeLessThanOrEqual(2);
    expect(Math.abs(ink.bottom - 40)).toBeLessThanOrEqual(2);
    expect(Math.abs(ink.left - 19)).toBeLessThanOrEqual(2);
    expect(Math.abs(ink.right - right)).toBeLessThanOrEqual(2);
  },
);

test("small letters and accents are drawn as capitals without", () => {
  expect(lettering("crème", 0, 0, STYLE)).toBe(lettering("CREME", 0, 0, STYLE));
});

test("what has no glyph is a box, never markup", async () => {
  expect(lettering("<漢>", 0, 0, STYLE)).not.toMatch(/漢|<>/);
  expect((await inkOf("漢")).right).toBeGreaterThan(20);
});

test("a fitted text is as wide as it may be, at most", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 80 }), fc.integer({ min: 40, max: 600 }), (text, width) => {
      const cut = fitted(text, width, STYLE);
      expect(letteringWidth(cut, STYLE)).toBeLessThanOrEqual(width);
      if (letteringWidth(text, STYLE) <= width) expect(cut).toBe(text);
    }),
  );
});

test("a long text is broken at spaces and ends in an ellipsis", () => {
  expect(wrapped("ONE TWO THREE", 130, 3, STYLE)).toEqual(["ONE TWO", "THREE"]);
  const lines = wrapped("ONE TWO THREE FOUR FIVE SIX", 130, 2, STYLE);
  expect(lines.length).toBe(2);
  expect(lines[1]).toMatch(/…$/);
  expect(wrapped("   ", 100, 2, STYLE)).toEqual([]);
});
