import { expect, test } from "vitest";
import { sniffMediaType } from "./media-type.ts";

const ascii = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

test.each([
  ["\x89PNG\r\n\x1a\n....", "image/png"],
  ["\xff\xd8\xff\xe0....", "image/jpeg"],
  ["RIFF\x10\0\0\0WEBPVP8 ", "image/webp"],
  ["\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", "image/avif"],
  ["\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "image/avif"],
  ["\0\0\0\x18ftypheic\0\0\0\0mif1heic", null],
  // A brand that lies beyond the box is content.
  ["\0\0\0\x10ftypisom\0\0\0\0avif", null],
  ["RIFF\x10\0\0\0WAVEfmt ", null],
  ["<!doctype html>", null],
  ["\x89PNG", null],
  ["", null],
])("%j begins as %s", (text, mediaType) => {
  expect(sniffMediaType(ascii(text))).toBe(mediaType);
});

test("looks at the bytes of a view, not at those of its buffer", () => {
  const buffer = ascii("junk\0\0\0\x1cftypavif\0\0\0\0avifmif1");
  expect(sniffMediaType(buffer.subarray(4))).toBe("image/avif");
});
