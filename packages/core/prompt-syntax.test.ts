import { expect, test } from "vitest";
import { negativelyWeighted, pointsElsewhere, wantedAndUnwanted } from "./prompt-syntax.ts";

test.each([
  ["a house --no trees, cars --ar 3:2", "a house  --ar 3:2", "trees, cars"],
  ["a house --no trees --no cars", "a house  ", "trees, cars"],
  ["a house, (trees:-1), fog::-.5, sky", "a house, (trees:-1), fog::-.5, sky", "trees, fog"],
  ["no trees, nothing", "no trees, nothing", ""],
])("%j asks for %j and leaves out %j", (text, wanted, unwanted) => {
  const sides = wantedAndUnwanted(text);
  expect(sides.wanted.replace(/\s+/g, " ").trim()).toBe(wanted.replace(/\s+/g, " ").trim());
  expect(sides.unwanted.replace(/\s+/g, " ").replaceAll(" ,", ",").trim()).toBe(unwanted);
});

test("what is unwanted twice is found in a negative prompt", () => {
  expect(
    negativelyWeighted("blurry, (one thing:-1.2), another::-1").map((piece) => piece.trim()),
  ).toStrictEqual(["one thing", "another"]);
  expect(negativelyWeighted("blurry, (one thing:1.2)")).toStrictEqual([]);
});

test.each([
  ["https://example.com/a.png", true],
  ["a house --cref x", true],
  ["www.example.com", true],
  ["a poster saying www", false],
  ["a house --ar 3:2", false],
])("%j points elsewhere: %j", (text, points) => {
  expect(pointsElsewhere(text)).toBe(points);
});
