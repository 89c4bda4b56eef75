import { ratingScoresSchema } from "@atelier/core/image";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ClassProbabilities, scoresOf } from "./rating.ts";

const classes = (change: Partial<ClassProbabilities>): ClassProbabilities => ({
  Drawing: 0,
  Hentai: 0,
  Neutral: 0,
  Porn: 0,
  Sexy: 0,
  ...change,
});

describe("five probabilities", () => {
  it.each([
    [
      { Neutral: 0.9, Drawing: 0.1 },
      { suggestive: 0, nudity: 0, explicit: 0 },
    ],
    [
      { Neutral: 0.5, Sexy: 0.5 },
      { suggestive: 0.5, nudity: 0, explicit: 0 },
    ],
    [
      { Neutral: 0.5, Porn: 0.2, Hentai: 0.1, Sexy: 0.2 },
      { suggestive: 0.5, nudity: 0.3, explicit: 0.3 },
    ],
    [
      { Porn: 0.6, Hentai: 0.4004 },
      { suggestive: 1, nudity: 1, explicit: 1 },
    ],
  ])("%j are the scores %j", (given, scores) => {
    expect(scoresOf(classes(given))).toStrictEqual({ ...scores, other: 0 });
  });

  it.each<Partial<ClassProbabilities>>([
    {},
    { Neutral: 1 },
    classes({}),
    classes({ Neutral: 0.9 }),
    classes({ Neutral: 1, Porn: 0.2 }),
    classes({ Neutral: Number.NaN, Porn: 1 }),
    classes({ Porn: Number.POSITIVE_INFINITY }),
  ])("%j are nonsense", (given) => {
    expect(() => scoresOf(given)).toThrow("The rating model's numbers are no probabilities.");
  });

  it("of any other kind never pass for scores", () => {
    const number = fc.oneof(fc.double({ min: 0, max: 1 }), fc.double());
    const given = fc.record({ Drawing: number, Hentai: number, Neutral: number, Porn: number, Sexy: number });
    let understood = 0;
    fc.assert(
      fc.property(given, fc.boolean(), (numbers, scaled) => {
        const sum = Object.values(numbers).reduce((one, other) => one + other, 0);
        const probabilities = scaled
          ? (Object.fromEntries(
              Object.entries(numbers).map(([name, value]) => [name, value / sum]),
            ) as typeof numbers)
          : numbers;
        try {
          const scores = scoresOf(probabilities);
          expect(ratingScoresSchema.safeParse(scores).success).toBe(true);
          expect(scores.suggestive).toBeGreaterThanOrEqual(scores.nudity);
          understood++;
        } catch (error) {
          expect((error as Error).message).toBe("The rating model's numbers are no probabilities.");
        }
      }),
    );
    expect(understood).toBeGreaterThan(0);
  });
});
