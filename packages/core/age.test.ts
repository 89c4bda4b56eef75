import { expect, test } from "vitest";
import { hasBareAgeBelowAdult, statesAdultAge } from "./age.ts";

test.each([
  ["a 32-year-old woman", true],
  ["a woman, 18 years old", true],
  ["a man aged 54", true],
  ["a thirty-two-year-old man", true],
  ["a woman in her late forties", true],
  ["une femme de 32 ans", true],
  ["a woman (32yo)", true],
  ["an adult woman", false],
  ["une fille de 17 ans", false],
  ["a woman, 32", false],
  ["shot for 32 years", false],
  ["a 17-year-old", false],
  ["a 132-year-old house", false],
  ["shot at f/2.8 with a 50mm lens", false],
])("%j states an adult age: %j", (text, states) => {
  expect(statesAdultAge(text)).toBe(states);
});

test.each([
  "a woman (17)",
  "a woman, 17, studio",
  "a woman, 17",
  "a woman ⑰",
  "a woman, ⓱, studio",
  "a woman ❾",
  "a woman [ 16 ] in a studio",
  "a woman: 15",
  "a woman - 15 - studio",
  "a woman of 17",
  "a woman aged just 17",
  "a woman, ١٧, studio",
  "a woman (XVII)",
  "a woman, seventeen, studio",
  "a 17 woman",
  "a 17 brunette woman",
  "17, studio, woman",
  "a woman with brown hair, 17, studio",
  "a woman with brown hair (17)",
  "two women, 17 and 30",
  "a man, 16.",
  "she is 17 and smiling",
  "a woman who is now 17",
  "a woman. 17. studio",
  "woman #17",
  "Ms 17",
  "woman | 17 | studio",
  "a woman of 17 summers",
  "a 32-year-old woman beside a man (15)",
])("%j has an age below 18 in place of an age", (text) => {
  expect(hasBareAgeBelowAdult(text)).toBe(true);
});

test.each([
  "a 32-year-old woman, f/1.8",
  "a 32-year-old woman, f/8, 35mm lens",
  "a 32-year-old woman (f/8)",
  "a 32-year-old woman, 35 mm",
  "a 32-year-old woman, 16 mm lens",
  "a 32-year-old woman, 8k, 4 k",
  "a woman, 32, studio",
  "a woman (32)",
  "a woman at 17:00",
  "a woman at 5 pm",
  "a woman at 8 in the morning",
  "a woman, 2 people behind her",
  "a woman.5",
  "a room with 12 windows. 2 lamps",
  "a woman, 16:9",
  "a woman 3/4 view",
  "(a woman:1.3)",
  "a woman, 1.2 aperture",
  "a woman, 12 oranges",
  "two women, 3 chairs",
  "12 women in a choir",
  "1 woman, studio",
  "a woman in a 17th-century room",
  "a woman, 17th-century room",
  "a woman, 3-point lighting",
  "a woman, 5 metres away",
  "seventeen candles",
  "a woman with seventeen candles",
  "a still life with 12 oranges",
  "class of architects",
  "f/1,8, 35mm",
  "iso 100, 1/15 s",
])("%j has none", (text) => {
  expect(hasBareAgeBelowAdult(text)).toBe(false);
});

test("a long text takes no long time", () => {
  const started = performance.now();
  for (const piece of ["woman, ", "woman ((((((", "17 a ", ", , , 1", "of at is "]) {
    hasBareAgeBelowAdult(piece.repeat(Math.floor(2_000 / piece.length)));
  }
  expect(performance.now() - started).toBeLessThan(500);
});
