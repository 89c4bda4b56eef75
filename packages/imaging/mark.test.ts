import sharp from "sharp";
import { expect, test } from "vitest";
import { addSandboxMark, MARK_KEYWORD, readMark, withMark } from "./mark.ts";
import { pngChunks } from "./png.ts";
import { imaging, photo } from "./testing.ts";

const KEY = Buffer.from("a key of the data folder");
const OTHER_KEY = Buffer.from("a key of another folder");

test("a marked PNG is believed with its own key only", async () => {
  const marked = await imaging.open(await addSandboxMark(photo("chelsea.png"), KEY));
  expect(marked.markedBy(KEY)).toBe(true);
  expect(marked.markedBy(OTHER_KEY)).toBe(false);
  expect((await imaging.open(photo("chelsea.png"))).markedBy(KEY)).toBe(false);
});

test("the file stays a PNG that others read, with one mark however often it is marked", async () => {
  const twice = await addSandboxMark(await addSandboxMark(photo("chelsea.png"), OTHER_KEY), KEY);
  expect([...pngChunks(twice)].filter(({ type }) => type === "tEXt").length).toBe(1);
  expect((await imaging.open(twice)).markedBy(KEY)).toBe(true);
  const { comments } = await sharp(twice).metadata();
  expect(comments).toEqual([{ keyword: MARK_KEYWORD, text: readMark(twice) }]);
});

test("the mark is of the pixels: compressed anew it holds, on other pixels it does not", async () => {
  const marked = await addSandboxMark(photo("chelsea.png"), KEY);
  const mark = readMark(marked) ?? "";
  const again = await sharp(marked).png({ compressionLevel: 1 }).toBuffer();
  expect((await imaging.open(withMark(again, mark))).markedBy(KEY)).toBe(true);

  const { data, info } = await sharp(marked).raw().toBuffer({ resolveWithObject: true });
  data[1000] = (data[1000] ?? 0) ^ 1;
  const changed = await sharp(data, { raw: { width: info.width, height: info.height, channels: 3 } })
    .png()
    .toBuffer();
  expect((await imaging.open(withMark(changed, mark))).markedBy(KEY)).toBe(false);
});

test("the same bytes in another shape are another picture", async () => {
  const pixels = Buffer.alloc(6 * 4 * 3, 9);
  const shaped = (width: number, height: number) =>
    sharp(pixels, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
  const mark = readMark(await addSandboxMark(await shaped(6, 4), KEY)) ?? "";
  expect((await imaging.open(withMark(await shaped(6, 4), mark))).markedBy(KEY)).toBe(true);
  expect((await imaging.open(withMark(await shaped(4, 6), mark))).markedBy(KEY)).toBe(false);
});

test("a mark of any other length is no mark", async () => {
  for (const mark of ["", "short", "x".repeat(500)]) {
    expect((await imaging.open(withMark(photo("chelsea.png"), mark))).markedBy(KEY)).toBe(false);
  }
});
