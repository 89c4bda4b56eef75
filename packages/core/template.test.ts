import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Template, templateSchema } from "./catalogue.ts";
import { filledPrompt, placesOf } from "./prompt.ts";
import { combinationsOf, imageSeedAt, variationAt } from "./template.ts";

function templateOf(slots: readonly (readonly string[])[]): Template {
  return templateSchema.parse({
    name: "tried",
    description: "A template for a test.",
    prompt: slots.map((_, at) => `{slot_${at}}`).join(" | ") || "a plain wall",
    slots: Object.fromEntries(
      slots.map((texts, at) => [`slot_${at}`, texts.map((text) => ({ text, tags: [`tag_${at}`] }))]),
    ),
    tags: ["tried"],
    parameters: { width: 1024, height: 1024, steps: 50, guidanceScale: 7.5 },
  });
}

/** Any Unicode but braces, which the loader refuses in values, and white space, which is brought together. */
const text = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 12 })
  .filter((value) => !/[{}|\s]/u.test(value));
const slots = fc.array(fc.uniqueArray(text, { minLength: 1, maxLength: 4 }), { maxLength: 4 });
const seed = fc.integer({ min: 1, max: 0x7ffffffe });

test("no combination comes twice in a round, and every round has all of them", () => {
  fc.assert(
    fc.property(slots, seed, (values, requestSeed) => {
      const template = templateOf(values);
      const count = Number(combinationsOf(template));
      for (const round of [0, 1]) {
        const prompts = new Set<string>();
        for (let index = 0; index < count; index++) {
          prompts.add(
            filledPrompt(template, variationAt(template, requestSeed, round * count + index).slots).prompt,
          );
        }
        expect(prompts.size).toBe(count);
      }
    }),
    { numRuns: 60 },
  );
});

test("any index alone gives what it gives in a row, and the order of slots in the file does not matter", () => {
  fc.assert(
    fc.property(slots, seed, fc.nat(100_000), (values, requestSeed, index) => {
      const template = templateOf(values);
      const reordered = { ...template, slots: Object.fromEntries(Object.entries(template.slots).reverse()) };
      const variation = variationAt(template, requestSeed, index);
      expect(variationAt(structuredClone(template), requestSeed, index)).toStrictEqual(variation);
      expect(filledPrompt(reordered, variationAt(reordered, requestSeed, index).slots)).toStrictEqual(
        filledPrompt(template, variation.slots),
      );
    }),
    { numRuns: 60 },
  );
});

test("the words of every script reach the prompt unchanged", () => {
  fc.assert(
    fc.property(text, seed, (value, requestSeed) => {
      const template = templateOf([[value]]);
      expect(filledPrompt(template, variationAt(template, requestSeed, 3).slots).prompt).toBe(value);
    }),
  );
});

test("a known seed gives the same variation on every machine", () => {
  const template = templateOf([
    ["a", "b", "c"],
    ["d", "e"],
    ["f", "g", "h", "i"],
  ]);
  const variations = [0, 1, 2].map((index) => variationAt(template, 7, index));
  expect(variations.map(({ slots: chosen }) => Object.values(chosen).join(""))).toMatchInlineSnapshot(`
    [
      "aef",
      "cei",
      "adg",
    ]
  `);
  expect(variations.map((variation) => variation.seed)).toMatchInlineSnapshot(`
    [
      1207361918,
      1485167249,
      2057009927,
    ]
  `);
  expect(variations[0]?.tags).toStrictEqual(["tried", "tag_0", "tag_1", "tag_2"]);
});

test("another seed, and another round, give another order", () => {
  const template = templateOf([
    ["a", "b", "c", "d"],
    ["e", "f", "g", "h"],
    ["i", "j", "k", "l"],
  ]);
  const round = (requestSeed: number, from: number) =>
    Array.from({ length: 64 }, (_, at) =>
      Object.values(variationAt(template, requestSeed, from + at).slots).join(""),
    );
  expect(round(1, 0)).not.toStrictEqual(round(2, 0));
  // A second round has the same combinations in another order.
  expect(round(1, 64)).not.toStrictEqual(round(1, 0));
  expect(round(1, 64).sort()).toStrictEqual(round(1, 0).sort());
});

test("more combinations than a number holds exactly are no problem", () => {
  const values = Array.from({ length: 64 }, (_, at) => `value ${at}`);
  const template = templateOf(Array.from({ length: 11 }, () => values));
  expect(combinationsOf(template)).toBe(2n ** 66n);
  const prompts = Array.from({ length: 200 }, (_, index) =>
    JSON.stringify(variationAt(template, 5, index).slots),
  );
  expect(new Set(prompts).size).toBe(200);
});

describe("image seeds", () => {
  test("are unique in a batch and within 1 … 2^31 - 2", () => {
    for (const requestSeed of [1, 42, 0x7ffffffe]) {
      const seeds = Array.from({ length: 5_000 }, (_, index) => imageSeedAt(requestSeed, index));
      expect(new Set(seeds).size).toBe(5_000);
      expect(Math.min(...seeds)).toBeGreaterThanOrEqual(1);
      expect(Math.max(...seeds)).toBeLessThanOrEqual(0x7ffffffe);
    }
  });

  test("of two requests differ", () => {
    expect(imageSeedAt(1, 0)).not.toBe(imageSeedAt(2, 0));
  });
});

test("places are the names between braces, each once", () => {
  expect(placesOf("{light} on {setting}, {light}")).toStrictEqual(["light", "setting"]);
});
