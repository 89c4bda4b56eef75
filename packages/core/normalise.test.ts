import * as fc from "fast-check";
import { expect, test } from "vitest";
import { lettersMeant, normalised, plainOf } from "./normalise.ts";

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

test("signs that stand for letters are kept as part of their words, beside the plain words", () => {
  expect(normalised("a ch!ld, $ix, wow!").sequences).toStrictEqual([
    ["a", "ch", "ld", "ix", "wow"],
    ["a", "ch!ld", "$ix", "wow!"],
  ]);
  expect(normalised("a wall, 85mm").sequences).toStrictEqual([["a", "wall", "85mm"]]);
  expect(lettersMeant("ch!ld")).toStrictEqual(["ch!ld", "child", "chlld"]);
  expect(lettersMeant("wow!")).toContain("wow");
  expect(lettersMeant("5", true)).toStrictEqual(["5", "s"]);
  expect(lettersMeant("85")).toStrictEqual(["85"]);
  expect(lettersMeant("1!1!1!1!1!a").length).toBeLessThan(70);
});

test("letters set apart and starred out are kept", () => {
  expect(normalised("the w-o-r-d of  h e r e").sequences).toContainEqual(["the", "word", "of", "here"]);
  expect(normalised("a w*rd and **bold**").starred).toStrictEqual(["w*rd"]);
});

test.each([
  ["(word:1.3)", "word"],
  ["((word))", "word"],
  ["[word]", "word"],
  ["word::2 other::-.5", "word other"],
  ["wo(rd:1.2)", "wo rd"],
  ["one BREAK two", "one two"],
  ["one AND two", "one and two one two"],
  ["{one|two} three", "one two three"],
  ["w{or|xx}d", "w or xx d word wxxd"],
  ["<lora:word_v2:0.8> one", "word v2 one"],
  ["&#119;&#x6f;rd", "word"],
  ["w&#111rd", "word"],
  ["w&oacute;rd", "word"],
  ["&amp;#119;ord", "word"],
  ["\\u0077ord", "word"],
  ["%77%6f%72%64", "word"],
  ["100%ab", "100 ab"],
  ["w\u{e006f}rd", "word"],
  ["👧 at a desk", "girl at a desk"],
  ["1️⃣5️⃣", "15"],
  ["ΝΑΚΕD", "naked"],
  ["wоrd in 16½ pieces", "word in 16 pieces"],
  ["32.5 years old", "32 years old"],
  ["f/2.8 at 16:9 (16:9)", "f 2 8 at 16 9 16 9"],
])("codes, syntax and emoji: %j reads plainly as %j", (text, plain) => {
  expect(plainOf(text)).toBe(plain);
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
