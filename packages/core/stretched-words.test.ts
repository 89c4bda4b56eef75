import * as fc from "fast-check";
import { expect, test } from "vitest";
import { appendedSqueezed, createStretchedWords, isStretchOf, squeezed } from "./stretched-words.ts";

test.each([
  ["chiiild", "child", true],
  ["child", "child", true],
  ["teeen", "teen", true],
  ["ten", "teen", false],
  ["children", "child", false],
  ["", "child", false],
])("%j is a stretch of %j: %j", (text, word, is) => {
  expect(isStretchOf(text, word)).toBe(is);
});

test("whatever is held down is found under the word, and its beginnings lead there", () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[a-e]{1,8}$/),
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 8 }),
      (word, times) => {
        const words = createStretchedWords<number>();
        words.add(word, 1);
        const text = [...word].map((letter, at) => letter.repeat(times[at] ?? 1)).join("");
        expect(words.find(text, squeezed(text))).toStrictEqual([{ word, value: 1 }]);
        for (let end = 1; end <= text.length; end++)
          expect(words.mayBegin(squeezed(text.slice(0, end)))).toBe(true);
      },
    ),
  );
});

test("a squeezed text can be continued", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[ab]{0,6}$/), fc.stringMatching(/^[ab]{0,6}$/), (one, other) => {
      expect(appendedSqueezed(squeezed(one), other)).toBe(squeezed(one + other));
    }),
  );
});
