import { expect, it } from "vitest";
import { sampled } from "./tensors.ts";

it("a picture within the limit is left alone", () => {
  const picture = { width: 4, height: 2, pixels: new Uint8Array(24) };
  expect(sampled(picture, 8)).toBe(picture);
});

it("a larger one keeps pixels as they are, every second or third of every second or third row", () => {
  const pixels = Uint8Array.from({ length: 5 * 3 * 3 }, (_, at) => at);
  const picture = { width: 5, height: 3, pixels };
  const at = (column: number, row: number) => [
    ...pixels.subarray((row * 5 + column) * 3, (row * 5 + column) * 3 + 3),
  ];
  expect(sampled(picture, 6)).toStrictEqual({
    width: 3,
    height: 2,
    pixels: Uint8Array.from([at(0, 0), at(2, 0), at(4, 0), at(0, 2), at(2, 2), at(4, 2)].flat()),
  });
  expect(sampled(picture, 2)).toStrictEqual({
    width: 2,
    height: 1,
    pixels: Uint8Array.from([at(0, 0), at(3, 0)].flat()),
  });
});
