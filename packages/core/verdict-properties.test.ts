import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NOTHING_SEEN } from "../../test/builders/classifier.ts";
import { RATINGS, type Rating } from "./catalogue.ts";
import { type Verdict, verdictSchema } from "./image.ts";
import { DEFAULT_THRESHOLDS, decideVerdict } from "./verdict.ts";

const by = { name: "a test's", thresholds: DEFAULT_THRESHOLDS };
const filtered = (rating: Rating) => ({ rating, providerFilters: true });
const decide = (said: Partial<typeof NOTHING_SEEN>, rating: Rating) =>
  decideVerdict({ ...NOTHING_SEEN, ...said }, by, filtered(rating));

describe("whatever a classifier returns", () => {
  /** Numbers that are none, or of no use, among good ones. */
  const number = fc.oneof(
    { weight: 8, arbitrary: fc.double({ min: 0, max: 0.5 }) },
    fc.double(),
    fc.constantFrom<unknown>(Number.NaN, Number.POSITIVE_INFINITY, -0.1, 1.1, "0.1", null, undefined, [], 5n),
  );
  const saidSomething = fc.oneof(
    { weight: 1, arbitrary: fc.anything() },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.oneof(
          { weight: 6, arbitrary: fc.constant("measured") },
          fc.constantFrom("failed", "released", 1),
        ),
        scores: fc.oneof(
          {
            weight: 4,
            arbitrary: fc.record({ suggestive: number, nudity: number, explicit: number, other: number }),
          },
          fc.anything(),
        ),
        tellsExplicit: fc.oneof({ weight: 6, arbitrary: fc.boolean() }, fc.anything()),
        faces: fc.oneof(
          {
            weight: 4,
            arbitrary: fc.array(
              fc.record({ score: number, ageYears: fc.oneof(number, fc.double({ min: 0, max: 120 })) }),
              { maxLength: 3 },
            ),
          },
          fc.anything(),
        ),
      }),
    },
  );
  const circumstances = fc.record({ rating: fc.constantFrom(...RATINGS), providerFilters: fc.boolean() });
  const within = (value: unknown, max: number) => typeof value === "number" && value >= 0 && value <= max;

  test("nothing is released unless both answered and every number is there and in its range", () => {
    let released = 0;
    fc.assert(
      fc.property(saidSomething, circumstances, (said, asked) => {
        const verdict = decideVerdict(said, by, asked);
        expect(verdictSchema.parse(verdict)).toStrictEqual(verdict);
        if (verdict.decision !== "released") return;
        released++;
        const { kind, scores: seen, faces, tellsExplicit } = said as typeof NOTHING_SEEN;
        expect([kind, typeof tellsExplicit, Array.isArray(faces)]).toStrictEqual([
          "measured",
          "boolean",
          true,
        ]);
        for (const name of ["suggestive", "nudity", "explicit", "other"] as const) {
          expect(within(seen[name], 1)).toBe(true);
        }
        expect(faces.every((face) => within(face.score, 1) && within(face.ageYears, 120))).toBe(true);
        expect(asked.providerFilters).toBe(true);
        expect(seen.other).toBeLessThan(0.4);
      }),
      { numRuns: 3_000 },
    );
    expect(released).toBeGreaterThan(0);
  });

  test("one good number turned bad releases nothing", () => {
    const bad = fc.oneof(
      fc.constantFrom<unknown>(
        Number.NaN,
        Number.POSITIVE_INFINITY,
        Number.NEGATIVE_INFINITY,
        null,
        undefined,
        "0",
      ),
      fc.double({ max: -Number.MIN_VALUE, noNaN: true }),
      fc.double({ min: 120.1, noNaN: true }),
    );
    const good = { ...NOTHING_SEEN, faces: [{ score: 0.9, ageYears: 40 }] };
    const places = [
      (value: unknown) => ({ ...good, scores: { ...good.scores, suggestive: value } }),
      (value: unknown) => ({ ...good, scores: { ...good.scores, nudity: value } }),
      (value: unknown) => ({ ...good, scores: { ...good.scores, explicit: value } }),
      (value: unknown) => ({ ...good, scores: { ...good.scores, other: value } }),
      (value: unknown) => ({ ...good, faces: [{ score: value, ageYears: 40 }] }),
      (value: unknown) => ({ ...good, faces: [{ score: 0.9, ageYears: value }] }),
      (value: unknown) => ({ ...good, faces: value }),
      (value: unknown) => ({ ...good, scores: value }),
      (value: unknown) => ({ ...good, kind: value }),
    ];
    expect(decideVerdict(good, by, filtered("suggestive")).decision).toBe("released");
    fc.assert(
      fc.property(fc.constantFrom(...places), bad, (put, value) => {
        expect(decideVerdict(put(value), by, filtered("suggestive"))).toMatchObject({
          decision: "quarantined",
          scores: null,
        });
      }),
    );
  });

  test("more is never judged more mildly", () => {
    const rank = ({ decision }: Verdict) => ["released", "quarantined", "rejected"].indexOf(decision);
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const measured = fc.record({
      parts: fc.tuple(share, share, share, share),
      faces: fc.array(fc.record({ score: share, ageYears: fc.double({ min: 0, max: 80, noNaN: true }) }), {
        maxLength: 3,
      }),
      tellsExplicit: fc.boolean(),
      raise: share,
      younger: share,
    });
    fc.assert(
      fc.property(
        measured,
        fc.constantFrom(...RATINGS),
        ({ parts, faces, tellsExplicit, raise, younger }, rating) => {
          const [explicit, nudity, suggestive] = parts.slice(0, 3).toSorted((a, b) => a - b) as [
            number,
            number,
            number,
          ];
          const seen = { suggestive, nudity, explicit, other: parts[3] };
          const more = (score: number) => score + (1 - score) * raise;
          const worse = {
            suggestive: more(suggestive),
            nudity: more(nudity),
            explicit: more(explicit),
            other: more(seen.other),
          };
          const youngerFaces = faces.map((one) => ({
            score: more(one.score),
            ageYears: one.ageYears * younger,
          }));
          const before = decide({ scores: seen, faces, tellsExplicit }, rating);
          expect(rank(decide({ scores: worse, faces, tellsExplicit }, rating))).toBeGreaterThanOrEqual(
            rank(before),
          );
          const young = decide({ scores: seen, faces: youngerFaces, tellsExplicit }, rating);
          expect(rank(young)).toBeGreaterThanOrEqual(rank(before));
          expect(Number(young.sealed)).toBeGreaterThanOrEqual(Number(before.sealed));
        },
      ),
      { numRuns: 500 },
    );
  });
});
