import fc from "fast-check";
import { expect, test } from "vitest";
import { type ModelPrice, priceSchema } from "./catalogue.ts";
import { chargeOfUsage, priceOf } from "./price.ts";

const MEGAPIXEL = { width: 1000, height: 1000, steps: 50 };
const priced = (price: unknown) => ({ steps: null, price: priceSchema.nullable().parse(price) });

test.each([
  ["one's own machine", { per: "nothing" }, MEGAPIXEL, 0, 0],
  ["by the picture", { per: "image", usd: 0.025 }, MEGAPIXEL, 25_000, 25_000],
  [
    "a small picture",
    { per: "image", usd: 0.05, sizes: [{ megapixelsMax: 0.5, usd: 0.01 }] },
    { ...MEGAPIXEL, width: 500 },
    10_000,
    10_000,
  ],
  [
    "a large picture",
    { per: "image", usd: 0.05, sizes: [{ megapixelsMax: 0.5, usd: 0.01 }] },
    { ...MEGAPIXEL, width: 501 },
    50_000,
    50_000,
  ],
  ["by credits", { per: "credit", usd: 0.01, credits: 6.5 }, MEGAPIXEL, 65_000, 65_000],
  [
    "by credits with few steps",
    { per: "credit", usd: 0.01, credits: 0.9, steps: [{ stepsMax: 30, credits: 0.2 }] },
    { ...MEGAPIXEL, steps: 30 },
    2_000,
    2_000,
  ],
  ["by the second", { per: "second", usd: 0.001, seconds: 6, steps: 50 }, MEGAPIXEL, 6_000, 300_000],
  [
    "half the steps",
    { per: "second", usd: 0.001, seconds: 6, steps: 50 },
    { ...MEGAPIXEL, steps: 25 },
    3_000,
    300_000,
  ],
  [
    "steps do not matter",
    { per: "second", usd: 0.001, seconds: 6, steps: null },
    { ...MEGAPIXEL, steps: 1 },
    6_000,
    300_000,
  ],
  [
    "a list price",
    { per: "second", usd: 0.001, seconds: 6, steps: 50, list: 0.08 },
    MEGAPIXEL,
    80_000,
    300_000,
  ],
])("%s", (_, price, parameters, listMicros, mostMicros) => {
  expect(priceOf(priced(price), parameters)).toStrictEqual({ listMicros, mostMicros });
});

test("steps beyond what the model takes are not sent, and not paid", () => {
  const lightning = {
    steps: { parameter: "steps", min: 1, max: 10 },
    price: priceSchema.parse({ per: "second", usd: 0.001, seconds: 2, steps: 4 }),
  };
  expect(priceOf(lightning, { ...MEGAPIXEL, steps: 50 })).toMatchObject({ listMicros: 5_000 });
});

test("a price that nobody knows is null", () => {
  expect(priceOf(priced(null), MEGAPIXEL)).toBeNull();
});

const usd = fc.integer({ min: 1, max: 10_000_000 }).map((micros) => micros / 1_000_000);
const anyPrice: fc.Arbitrary<ModelPrice> = fc.oneof<fc.Arbitrary<ModelPrice>[]>(
  fc.record({ per: fc.constant("image" as const), usd, sizes: fc.constant<[]>([]) }),
  fc.record({
    per: fc.constant("credit" as const),
    usd,
    credits: fc.integer({ min: 1, max: 99 }),
    steps: fc.constant<[]>([]),
  }),
  fc.record({
    per: fc.constant("second" as const),
    usd,
    seconds: fc.integer({ min: 1, max: 400 }),
    steps: fc.constantFrom(null, 20, 50),
    list: fc.constantFrom(null, 0.05),
  }),
);

test("whole micros, and never listed above what is held", () => {
  fc.assert(
    fc.property(
      anyPrice,
      fc.integer({ min: 64, max: 2048 }),
      fc.integer({ min: 1, max: 150 }),
      (price, width, steps) => {
        const { listMicros, mostMicros } = priceOf(
          { steps: null, price },
          { width, height: 1024, steps },
        ) ?? { listMicros: -1, mostMicros: -1 };
        expect(Number.isSafeInteger(listMicros) && Number.isSafeInteger(mostMicros)).toBe(true);
        expect(listMicros).toBeGreaterThan(0);
        expect(listMicros).toBeLessThanOrEqual(mostMicros);
      },
    ),
  );
});

test.each([
  [
    "seconds of a model that is billed by time",
    { per: "second", usd: 0.000975, seconds: 6, steps: 50 },
    { seconds: 2.4, images: 1 },
    2_340,
  ],
  [
    "time alone says nothing of a model by the picture",
    { per: "image", usd: 0.003 },
    { seconds: 2.4, images: null },
    null,
  ],
  ["pictures of a model by the picture", { per: "image", usd: 0.003 }, { seconds: 2.4, images: 2 }, 6_000],
  [
    "no time told",
    { per: "second", usd: 0.000975, seconds: 6, steps: 50 },
    { seconds: null, images: 1 },
    null,
  ],
  ["one's own machine", { per: "nothing" }, { seconds: 9, images: 1 }, null],
])("what was charged: %s", (_, price, usage, expected) => {
  expect(chargeOfUsage(priced(price), usage, 3_000)).toBe(expected);
});
