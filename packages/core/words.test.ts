import * as fc from "fast-check";
import { expect, test } from "vitest";
import { hashedSlotWords, hashedWord, openWordsOf, searchWords, wordsOf } from "./words.ts";

const KEY = Buffer.from("a key for tests");

test.each([
  ["lingerie_black_lace", ["lingerie", "black", "lace"]],
  ["Soft window-light, WINDOW", ["soft", "window", "light"]],
  ["Été à la plage", ["ete", "la", "plage"]],
  ["85mm lens at f/2.8", ["85mm", "lens"]],
  ["Straße ﬁne ＡＢ", ["straße", "fine", "ab"]],
  ["光 и тень", ["光", "и", "тень"]],
  ["the a of 🌿 _-_", []],
])("%j has the words %j", (text, words) => {
  expect(wordsOf(text)).toEqual(words);
});

test.each(["", "%", "a", "the of"])("%j is nothing to search by", (text) => {
  expect(() => searchWords(text)).toThrow(/has no word to search by/);
  expect(searchWords(`${text} lace`)).toEqual(["lace"]);
});

test("a word of a text is that same word by itself, however the text is written", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const words = wordsOf(text);
      expect(wordsOf(words.join("_"))).toEqual(words);
      for (const word of words) expect(wordsOf(word)).toEqual([word]);
      expect(wordsOf(text.normalize("NFD"))).toEqual(words);
    }),
  );
});

test("words of slots are hashed under the key, and left out where template or tags say them openly", () => {
  const image = { template: "still_life", tags: ["window_light"], slots: { light: "Soft window light" } };
  expect(openWordsOf(image)).toEqual(["still", "life", "window", "light"]);
  expect(hashedSlotWords(image, KEY)).toEqual([hashedWord("soft", KEY)]);
  expect(hashedWord("soft", KEY)).toMatch(/^[0-9a-f]{12}$/);
  expect(hashedWord("soft", Buffer.from("another key"))).not.toBe(hashedWord("soft", KEY));
});
