import * as fc from "fast-check";
import { expect, test } from "vitest";
import { normalised, plainOf } from "./normalise.ts";

test.each([
  ["Café, NOIR!", "cafe noir"],
  ["ﬁne　ｗｉｄｅ", "fine wide"],
  ["w\u200bo\u00adrd", "word"],
  ["wо\u0301rd", "word"],
  ["ωοrd", "word"],
  ["Ⓦⓞⓡⓓ", "word"],
  ["🅆🄾🅁🄳", "word"],
  ["٣٢ years", "32 years"],
  ["３２ years", "32 years"],
  ["⑰ ⓱ ❼ ➐ ⓻", "17 17 7 7 7"],
  ["thirty-two", "thirty two"],
  ["", ""],
])("%j reads plainly as %j", (text, plain) => {
  expect(normalised(text).plain).toBe(plain);
  expect(plainOf(text)).toBe(plain);
});

test.each([
  ["w0rd", "word"],
  ["f.o.g. bank", "fog bank"],
  ["a f-o-g bank", "a fog bank"],
  ["f 0 g bank", "fog bank"],
  ["b1ue", "blue"],
  ["b1rd", "bird"],
  ["w@ll", "wall"],
  ["wooord", "word"],
  ["wooord", "woord"],
])("%j can also be read as %j", (text, reading) => {
  expect(normalised(text).readings).toContain(reading);
});

test("digits alone stay digits in every reading", () => {
  expect(normalised("16 to 18").readings).toStrictEqual(["16 to 18"]);
});

test("spelled and broken words are put together", () => {
  expect(normalised("a w-o-r-d here").spelled).toContain("aword");
  expect(normalised("one wo rd here").joined).toContain("word");
  expect(normalised("in t h e fog").joined).toContain("thefog");
});

test("normalising again changes nothing", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const { plain } = normalised(text);
      expect(normalised(plain).plain).toBe(plain);
    }),
  );
});

test("a long text takes no long time", () => {
  const started = performance.now();
  normalised(`${"a ".repeat(500)}${"!1".repeat(400)}${"z".repeat(200)}`);
  expect(performance.now() - started).toBeLessThan(500);
});
