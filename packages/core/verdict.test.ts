import { describe, expect, test } from "vitest";
import { classifierSaying, NOTHING_SEEN } from "../../test/builders/classifier.ts";
import { RATINGS, type Rating } from "./catalogue.ts";
import type { Classifier, Thresholds } from "./classifier.ts";
import { type RatingScores, verdictSchema } from "./image.ts";
import type { OpenPicture } from "./pictures.ts";
import {
  DEFAULT_THRESHOLDS,
  decideVerdict,
  judgePicture,
  providerFilters,
  thresholdsSchema,
} from "./verdict.ts";

const key = Buffer.from("a key");
const picture = (marked: boolean): OpenPicture => ({
  width: 8,
  height: 8,
  format: "png",
  pixels: new Uint8Array(192),
  markedBy: (given) => marked && given === key,
  measure: () => Promise.reject(new Error("not measured here")),
  proxyJpeg: () => Promise.reject(new Error("not asked for here")),
  develop: () => {
    throw new Error("not developed here");
  },
});
const filtered = (rating: Rating) => ({ rating, providerFilters: true });
const judge = (classifier: Classifier | null | undefined, rating: Rating = "suggestive") =>
  judgePicture(picture(false), filtered(rating), { classifier, sandboxKey: key });

const by = { name: "a test's", thresholds: DEFAULT_THRESHOLDS };
const scores = (change: Partial<RatingScores>): RatingScores => ({ ...NOTHING_SEEN.scores, ...change });
const decide = (
  said: Partial<typeof NOTHING_SEEN>,
  rating: Rating,
  thresholds: Thresholds = DEFAULT_THRESHOLDS,
) => decideVerdict({ ...NOTHING_SEEN, ...said }, { ...by, thresholds }, filtered(rating));

describe("a picture with the sandbox's mark", () => {
  test("is released without a classifier", async () => {
    const verdict = await judgePicture(picture(true), filtered("nudity"), { sandboxKey: key });
    expect(verdict).toMatchObject({ decision: "released", basis: "sandbox-mark", rating: "general" });
  });

  test("counts only where a sandbox runs, with its own key", async () => {
    for (const sandboxKey of [null, Buffer.from("another")]) {
      expect(await judgePicture(picture(true), filtered("general"), { sandboxKey })).toMatchObject({
        decision: "quarantined",
        basis: "no-classifier",
        rating: null,
      });
    }
  });
});

describe("a classifier", () => {
  test.each([[null], [undefined]])("that is %s leaves everything to a person", async (classifier) => {
    expect(await judge(classifier)).toMatchObject({ decision: "quarantined", basis: "no-classifier" });
  });

  test("that fails releases nothing, and its message goes nowhere", async () => {
    const verdict = await judge({
      ...classifierSaying(),
      classify: () => Promise.reject(new TypeError("out of memory: secret path")),
    });
    expect(verdict).toMatchObject({ decision: "quarantined", basis: "classifier", rating: null });
    expect(verdict.reason).toBe("The classifier failed (TypeError); a person has to look at it.");
  });

  test("that says so itself releases nothing", async () => {
    const classify = async () => ({ kind: "failed", reason: "did not answer within 5 ms" }) as const;
    expect((await judge({ ...classifierSaying(), classify })).reason).toBe(
      "The classifier failed (did not answer within 5 ms); a person has to look at it.",
    );
  });

  test("that finds nothing releases, with all that it measured", async () => {
    const faces = [{ score: 0.99, ageYears: 41 }];
    expect(await judge(classifierSaying({ faces }))).toStrictEqual({
      decision: "released",
      basis: "classifier",
      rating: "general",
      reason:
        "Nothing speaks against it: no more than suggestive was seen, and no face that a person has to look at.",
      sealed: false,
      priority: false,
      classifier: "a test's",
      scores: NOTHING_SEEN.scores,
      faces,
      thresholds: DEFAULT_THRESHOLDS,
    });
  });
});

describe("what was seen against what was asked for", () => {
  const suggestive = scores({ suggestive: 0.5 });
  const nude = scores({ suggestive: 0.6, nudity: 0.5 });
  const beyond = scores({ suggestive: 0.6, nudity: 0.6, explicit: 0.5 });
  const explicit = scores({ suggestive: 1, nudity: 0.99, explicit: 0.98 });
  test.each([
    ["suggestive", suggestive, { general: "quarantined", suggestive: "released", nudity: "released" }],
    ["nudity", nude, { general: "quarantined", suggestive: "quarantined", nudity: "released" }],
    ["explicit", beyond, { general: "quarantined", suggestive: "quarantined", nudity: "quarantined" }],
    ["explicit", explicit, { general: "rejected", suggestive: "rejected", nudity: "rejected" }],
  ] as const)("%s: %j", (rating, seen, decisions) => {
    for (const asked of RATINGS) {
      expect(decide({ scores: seen }, asked)).toMatchObject({ rating, decision: decisions[asked] });
    }
  });

  test("a classifier that cannot tell explicit from nudity rejects nothing for which nudity was asked", () => {
    const said = { scores: explicit, tellsExplicit: false };
    expect(decide(said, "nudity")).toMatchObject({
      decision: "quarantined",
      rating: "nudity",
      priority: true,
      reason: "A person has to look at it: it may show more than nudity (0.98).",
    });
    expect(decide(said, "suggestive")).toMatchObject({ decision: "rejected", rating: "explicit" });
  });

  test.each([
    [0.3999, "released", false],
    [0.4, "quarantined", false],
    [0.85, "quarantined", true],
  ] as const)("a score of %d: %s, first in line: %s", (score, decision, priority) => {
    for (const seen of [scores({ suggestive: score }), scores({ other: score })]) {
      expect(decide({ scores: seen }, "general")).toMatchObject({ decision, priority });
    }
  });
});

describe("faces", () => {
  const face = (ageYears: number, score = 0.97) => ({
    faces: [
      { score: 0.99, ageYears: 60 },
      { score, ageYears },
    ],
  });
  test.each([
    [25, 0.97, "released", false],
    [24.99, 0.97, "quarantined", false],
    [24.99, 0.49, "released", false],
    [18, 0.97, "quarantined", false],
    [17.99, 0.5, "quarantined", true],
    [15, 0.97, "quarantined", true],
    [14.99, 0.949, "quarantined", true],
    [14.99, 0.95, "rejected", true],
    [0, 1, "rejected", true],
  ] as const)("of %d years at %d in a rated picture: %s, sealed: %s", (age, score, decision, sealed) => {
    for (const rating of ["suggestive", "nudity"] as const) {
      expect(decide(face(age, score), rating)).toMatchObject({ decision, sealed, classifier: by.name });
    }
  });

  test("are left in peace in general pictures", () => {
    expect(decide(face(6), "general")).toMatchObject({ decision: "released", sealed: false });
  });

  test("are not, when a general prompt came out otherwise", () => {
    const seen = { ...face(6), scores: scores({ suggestive: 0.4 }) };
    expect(decide(seen, "general")).toMatchObject({
      decision: "rejected",
      sealed: true,
      rating: "suggestive",
    });
  });

  test("of an old age clear nothing", () => {
    const seen = { ...face(60), scores: scores({ suggestive: 0.5, nudity: 0.4 }) };
    expect(decide(seen, "suggestive").decision).toBe("quarantined");
  });

  test("that look young seal what is rejected for something else", () => {
    const seen = { ...face(16, 0.6), scores: scores({ suggestive: 1, nudity: 1, explicit: 1 }) };
    expect(decide(seen, "suggestive")).toMatchObject({ decision: "rejected", sealed: true, priority: true });
  });
});

test("without the provider's own filter a person looks, however good the scores are", () => {
  const verdict = decideVerdict(NOTHING_SEEN, by, { rating: "general", providerFilters: false });
  expect(verdict).toMatchObject({
    decision: "quarantined",
    reason: "A person has to look at it: its provider is not known to have filtered it.",
  });
});

test("a model is filtered when the catalogue says so and nothing switches it off", () => {
  expect(providerFilters({ filtered: true, extras: { output_format: "png" } })).toBe(true);
  const others: Parameters<typeof providerFilters>[0][] = [
    undefined,
    { extras: {} },
    { filtered: false, extras: {} },
    { filtered: true, extras: { disable_safety_checker: true } },
  ];
  expect(others.map(providerFilters)).toStrictEqual([false, false, false, false]);
});

test("thresholds move towards caution only, and in their order", () => {
  expect(thresholdsSchema.parse(DEFAULT_THRESHOLDS)).toStrictEqual(DEFAULT_THRESHOLDS);
  const strict = { ...DEFAULT_THRESHOLDS, holdScore: 0.1, reviewAgeYears: 40, sealAgeYears: 21 };
  expect(thresholdsSchema.safeParse(strict).success).toBe(true);
  for (const lax of [
    { holdScore: 0.41 },
    { priorityScore: 0.86 },
    { rejectScore: 0.99 },
    { faceScore: 0.51 },
    { certainFaceScore: 0.96 },
    { reviewAgeYears: 24 },
    { sealAgeYears: 17 },
    { youngAgeYears: 14 },
    { sealAgeYears: 30 },
    { rejectScore: 0.3 },
    { unknown: 1 },
  ]) {
    expect(thresholdsSchema.safeParse({ ...DEFAULT_THRESHOLDS, ...lax }).success, JSON.stringify(lax)).toBe(
      false,
    );
    const thresholds = { ...DEFAULT_THRESHOLDS, ...lax };
    expect(decideVerdict(NOTHING_SEEN, { ...by, thresholds }, filtered("general"))).toMatchObject({
      decision: "quarantined",
      reason: expect.stringContaining("has thresholds that cannot be used"),
    });
  }
});

test("a record of before reads as one that measured nothing", () => {
  const old = { decision: "quarantined", basis: "no-classifier", rating: null, reason: "None is there." };
  expect(verdictSchema.parse(old)).toStrictEqual({
    ...old,
    sealed: false,
    priority: false,
    classifier: null,
    scores: null,
    faces: [],
    thresholds: null,
  });
});
