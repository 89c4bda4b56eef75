import fc from "fast-check";
import { expect, test } from "vitest";
import { askingSchema } from "./asking.ts";

const asked = (guidance_scale: number) =>
  askingSchema.safeParse({ category: "feet", parameters: { guidance_scale } });

test("a guidance scale is one that a model knows and a table can hold", () => {
  fc.assert(
    fc.property(fc.double({ min: 0.01, max: 50, noNaN: true }), (scale) => {
      expect(asked(scale).data?.parameters).toEqual({ guidanceScale: scale });
    }),
  );
  expect(asked(0).success).toBe(true);
  for (const scale of [5e-324, 1e-200, 0.0099, -1, 50.1, 1e308, Number.NaN]) {
    expect([scale, asked(scale).success]).toEqual([scale, false]);
  }
});
