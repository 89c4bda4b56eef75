import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RATINGS } from "./catalogue.ts";
import { ADULT_WORDING, SAFETY_NEGATIVES, withSafetyWording } from "./safety-wording.ts";

const model = { takesNegative: true, charactersMax: 2_000 };
const texts = { prompt: "a 32-year-old woman", negativePrompt: "blurry" };

test("a general image keeps its texts", () => {
  expect(withSafetyWording(texts, { rating: "general", ...model })).toBe(texts);
});

test("a rated image says that it shows adults, and what must not appear", () => {
  expect(withSafetyWording(texts, { rating: "nudity", ...model })).toStrictEqual({
    prompt: `a 32-year-old woman, ${ADULT_WORDING}`,
    negativePrompt: `blurry, ${SAFETY_NEGATIVES.join(", ")}`,
  });
  expect(withSafetyWording(texts, { rating: "suggestive", ...model }).negativePrompt).toMatch(/, nudity$/);
});

test("what is there already is not repeated, in any spelling", () => {
  const own = { prompt: "a man", negativePrompt: "Child, MINOR, under-age, blurry," };
  expect(withSafetyWording(own, { rating: "nudity", ...model }).negativePrompt).toBe(
    "Child, MINOR, under-age, blurry, underage, teenager, youthful face, explicit sexual act",
  );
});

describe("a model without a negative prompt", () => {
  test("gets adult wording alone, before its switches, and nothing in `--no`", () => {
    const midjourney = { prompt: "a 32-year-old woman --ar 3:2 --no text", negativePrompt: "" };
    expect(withSafetyWording(midjourney, { rating: "nudity", ...model, takesNegative: false })).toStrictEqual(
      {
        prompt: `a 32-year-old woman, ${ADULT_WORDING} --ar 3:2 --no text`,
        negativePrompt: "",
      },
    );
  });
});

test("nothing grows beyond what the model takes, nothing of the caller's is lost, and twice is once", () => {
  fc.assert(
    fc.property(
      fc.record({ prompt: fc.string(), negativePrompt: fc.string() }),
      fc.constantFrom(...RATINGS),
      fc.integer({ min: 0, max: 200 }),
      (given, rating, charactersMax) => {
        const input = { rating, takesNegative: true, charactersMax };
        const once = withSafetyWording(given, input);
        for (const name of ["prompt", "negativePrompt"] as const) {
          expect([...once[name]].length).toBeLessThanOrEqual(
            Math.max([...given[name]].length, charactersMax),
          );
        }
        expect(withSafetyWording(once, input)).toStrictEqual(once);
      },
    ),
  );
});
