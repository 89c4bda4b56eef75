import { expect, test } from "vitest";
import { closestName, unknownName } from "./closest.ts";

test.each([
  ["lingeri", "lingerie"],
  ["fete", "feet"],
  ["artistic-nude", "artistic_nude"],
  ["FEET", "feet"],
  ["landscape", null],
  ["", null],
])("%j is taken for %j", (written, meant) => {
  expect(closestName(written, ["lingerie", "feet", "artistic_nude", "custom"])).toBe(meant);
});

test("an unknown name is answered with the nearest one and the whole list", () => {
  const error = unknownName("category", "fet", ["feet", "custom"]);
  expect(error.name).toBe("UnknownName");
  expect(error.message).toBe('There is no category "fet". Did you mean "feet"? Known: feet, custom.');
});
