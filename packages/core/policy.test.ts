import { describe, expect, test } from "vitest";
import { type Policy, policySchema } from "./catalogue.ts";
import { isRated, judgePrompt, judgeTexts, type PolicyText, policyProblems } from "./policy.ts";

const rated = ["suggestive", "nudity"];
const policy: Policy = policySchema.parse({
  concepts: {
    youth: { words: ["child", "under age", "niña"], patterns: ["\\b1[0-7] years? old\\b"] },
    explicit_acts: { words: ["sexual act", "sex act"] },
    lingerie: { words: ["lingerie", "bra"] },
    nudity: { words: ["nude"] },
    negative_adulthood: { words: ["adult"] },
    negative_clothing: { words: ["clothes"] },
  },
  rules: [
    { id: "minors", concept: "youth", ratings: rated, advice: "State an adult age." },
    {
      id: "adulthood-excluded",
      concept: "negative_adulthood",
      ratings: rated,
      advice: "Do not exclude adults.",
    },
    { id: "explicit-acts", concept: "explicit_acts", ratings: ["general", ...rated], advice: "No acts." },
  ],
  raises: { lingerie: "suggestive", nudity: "nudity", negative_clothing: "nudity" },
});

const judge = (
  prompt: string,
  rating: "general" | "suggestive" | "nudity" = "general",
  negativePrompt = "",
) => judgePrompt({ prompt, negativePrompt, rating, policy });

describe("the effective rating", () => {
  test.each([
    ["a wall", "general", "general"],
    ["a 32-year-old, black lingerie", "general", "suggestive"],
    ["a 32-year-old, black lingerie", "nudity", "nudity"],
    ["a 32-year-old nude in lingerie", "suggestive", "nudity"],
    ["a brass lamp", "general", "general"],
  ] as const)("of %j in a %s category is %s", (prompt, category, rating) => {
    expect(judge(prompt, category)).toMatchObject({ decision: "allowed", rating });
  });

  test("rises when the negative prompt takes clothing away", () => {
    expect(judge("a 32-year-old woman", "general", "clothes, blurry")).toMatchObject({
      decision: "allowed",
      rating: "nudity",
    });
    expect(judge("a woman in clothes")).toMatchObject({ decision: "allowed", rating: "general" });
  });
});

describe("a word that only matters in rated pictures", () => {
  test("is free in a general one", () => {
    expect(judge("a child at breakfast")).toStrictEqual({
      decision: "allowed",
      rating: "general",
      concepts: ["youth"],
    });
  });

  test("refuses in a rated category, and where another word raises the rating", () => {
    const refusal = {
      decision: "refused",
      rating: "suggestive",
      rule: "minors",
      message: "State an adult age.",
    };
    expect(judge("a child", "suggestive")).toStrictEqual(refusal);
    expect(judge("a child, lingerie")).toStrictEqual(refusal);
  });

  test.each([
    "CHILD",
    "c h i l d",
    "c.h.i.l.d",
    "chi ld",
    "ch1ld",
    "ch!ld",
    "chiiild",
    "chi\u200bld",
    "сһіld",
    "ｃｈｉｌｄ",
    "🄲🄷🄸🄻🄳",
    "(child:1.4)",
    "under-age",
    "underage",
    "NIN\u0303A",
    "16-year-old",
    "１６ year old",
    "١٧ years old",
  ])("is found in %j", (text) => {
    expect(judge(`portrait, ${text}, soft light`, "suggestive")).toMatchObject({ rule: "minors" });
  });

  test.each(["a childless couple", "a 36 years old woman", "an abrasive wall", "wild life"])(
    "is not seen in %j",
    (text) => {
      expect(judge(`${text}, 36 years old`, "suggestive")).toMatchObject({
        decision: "allowed",
        rating: "suggestive",
      });
    },
  );
});

describe("a negative prompt", () => {
  test("may name what must not be seen", () => {
    expect(judge("a 30-year-old woman", "suggestive", "child, nude, sexual act")).toStrictEqual({
      decision: "allowed",
      rating: "suggestive",
      concepts: [],
    });
  });

  test("may not take adulthood away in a rated picture", () => {
    expect(judge("a woman", "suggestive", "adult")).toMatchObject({ rule: "adulthood-excluded" });
    expect(judge("a house", "general", "adult")).toMatchObject({ decision: "allowed" });
    expect(judge("a 32-year-old adult woman", "suggestive")).toMatchObject({ decision: "allowed" });
  });
});

test("what is always refused is refused in a general picture, without repeating it", () => {
  const judgement = judge("a sexual act by the sea");
  expect(judgement).toStrictEqual({
    decision: "refused",
    rating: "general",
    rule: "explicit-acts",
    message: "No acts.",
  });
});

test.each(["s.e.x. act", "a s-e-x act", "s e x a c t", "s.3.x. act", "se x act"])(
  "a short word is found spelled, as in %j",
  (text) => {
    expect(judge(text)).toMatchObject({ rule: "explicit-acts" });
  },
);

describe("a rated prompt", () => {
  test("without an adult age is refused, whatever it shows", () => {
    const refusal = {
      decision: "refused",
      rating: "suggestive",
      rule: "adult-age-missing",
      message: expect.stringContaining("a 32-year-old woman"),
    };
    expect(judge("a woman", "suggestive")).toStrictEqual(refusal);
    expect(judge("a wall", "suggestive")).toStrictEqual(refusal);
    expect(judge("lingerie on a chair")).toStrictEqual(refusal);
    expect(judge("a woman", "general", "clothes")).toMatchObject({ rule: "adult-age-missing" });
    expect(judge("a woman")).toMatchObject({ decision: "allowed" });
  });

  test("may leave it to its open places, but not state one below 18", () => {
    const open = { negativePrompt: "", rating: "suggestive", policy, hasOpenPlaces: true } as const;
    expect(judgePrompt({ ...open, prompt: "a woman" })).toMatchObject({ decision: "allowed" });
    expect(judgePrompt({ ...open, prompt: "a woman (17)" })).toMatchObject({ rule: "age-below-18" });
  });

  test("with a number below 18 in place of an age is refused, though an adult age is there too", () => {
    expect(judge("a 32-year-old woman and a woman (17)", "nudity")).toMatchObject({
      decision: "refused",
      rule: "age-below-18",
    });
    expect(judge("a woman (17)")).toMatchObject({ decision: "allowed" });
  });
});

describe("all texts of an image", () => {
  const judgeAll = (texts: PolicyText[], rating: "general" | "suggestive" = "general") =>
    judgeTexts({ texts, rating, policy });
  const aged: PolicyText = { kind: "prompt", text: "a 32-year-old woman" };

  test("are judged together: a word of one and a word of another are a pair", () => {
    const texts: PolicyText[] = [
      { ...aged, text: "a 32-year-old woman, lingerie" },
      { kind: "preferences", text: "a child in the background" },
    ];
    expect(judgeAll(texts)).toMatchObject({ decision: "refused", rule: "minors", rating: "suggestive" });
    expect(judgeAll(texts.slice(1))).toMatchObject({ decision: "allowed" });
  });

  test("what `--no` leaves out is unwanted among parameters, and both in a prompt", () => {
    expect(
      judgeAll([aged, { kind: "parameters", text: "--no child, nude --ar 3:2" }], "suggestive"),
    ).toMatchObject({
      decision: "allowed",
      rating: "suggestive",
    });
    expect(judgeAll([{ ...aged, text: `${aged.text} --no child` }], "suggestive")).toMatchObject({
      rule: "minors",
    });
    expect(judgeAll([{ ...aged, text: `${aged.text} --no adult` }], "suggestive")).toMatchObject({
      rule: "adulthood-excluded",
    });
    expect(judgeAll([aged, { kind: "parameters", text: "--no adult" }], "suggestive")).toMatchObject({
      rule: "adulthood-excluded",
    });
    expect(judgeAll([{ ...aged, text: `${aged.text}, (adult:-1)` }], "suggestive")).toMatchObject({
      rule: "adulthood-excluded",
    });
  });

  test.each([
    "blurry, (child:-1)",
    "（child：-1）",
    "child::-1",
    "blurry, positive prompt: child",
    "prompt= a child",
  ])("the negative prompt %j smuggles what it seems to leave out", (text) => {
    expect(judgeAll([aged, { kind: "negative", text }], "suggestive")).toMatchObject({ rule: "minors" });
  });

  test("an adult age counts in the prompt alone", () => {
    expect(judgeAll([{ kind: "preferences", text: aged.text }], "suggestive")).toMatchObject({
      rule: "adult-age-missing",
    });
  });

  test.each([
    ["a 32-year-old woman, ребёнок", "unreadable-script"],
    ["a 32-year-old woman, https://example.com/a.png", "points-elsewhere"],
    ["a 32-year-old woman, @some_account", "person-named"],
    ["a 32-year-old woman, born in 2009", "age-below-18"],
  ])("%j is refused in a rated image as %s, and free in a general one", (text, rule) => {
    expect(judgeAll([{ kind: "prompt", text }], "suggestive")).toMatchObject({ rule });
    expect(judgeAll([{ kind: "prompt", text }])).toMatchObject({ decision: "allowed" });
  });

  test("names of the operator's list are refused at every rating", () => {
    const texts: PolicyText[] = [{ kind: "prompt", text: "a portrait of Ada Lindqvist" }];
    expect(judgeTexts({ texts, rating: "general", policy, refusedNames: ["ada lindqvist"] })).toMatchObject({
      rule: "refused-name",
    });
    const own = { ...policy, persons: { ...policy.persons, refused: ["Ada Lindqvist"] } };
    expect(judgeTexts({ texts, rating: "general", policy: own })).toMatchObject({ rule: "refused-name" });
  });
});

describe("a rule of two concepts", () => {
  const paired = policySchema.parse({
    concepts: { animal: { words: ["dog"] }, sexual: { words: ["erotic"] } },
    rules: [{ id: "animals", concept: "animal", with: ["sexual"], ratings: ["nudity"], advice: "No." }],
    raises: { sexual: "nudity" },
  });

  test.each([
    ["a 32-year-old, erotic", "allowed"],
    ["a 32-year-old and a dog", "allowed"],
    ["a 32-year-old and a dog, erotic", "refused"],
  ])("%j is %s", (prompt, decision) => {
    expect(judgePrompt({ prompt, negativePrompt: "", rating: "nudity", policy: paired })).toMatchObject({
      decision,
    });
  });
});

describe("words are written", () => {
  const written = policySchema.parse({
    concepts: { youth: { words: ["mineur(e|s|es)", "child*"], except: ["child s pose", "fairchild"] } },
    rules: [{ id: "minors", concept: "youth", ratings: ["suggestive"], advice: "No." }],
    raises: {},
  });
  const decided = (text: string) =>
    judgePrompt({ prompt: `${text}, aged 32`, negativePrompt: "", rating: "suggestive", policy: written })
      .decision;

  test.each([
    "mineur",
    "mineures",
    "children",
    "childlike",
    "chi ldren",
    "c h i l d l i k e",
    "ch*ld",
    "chilld",
  ])("so that %j is met", (text) => {
    expect(decided(text)).toBe("refused");
  });
  test.each(["mineral", "child's pose", "Fairchild"])("so that %j is not", (text) => {
    expect(decided(text)).toBe("allowed");
  });
});

test("a short word in pieces is a doubt: refused in a rated image, free in a general one", () => {
  const doubt = policySchema.parse({
    concepts: { youth: { words: ["minor"] } },
    rules: [{ id: "minors", concept: "youth", ratings: ["general", "suggestive"], advice: "No." }],
    raises: {},
  });
  const input = { prompt: "aged 32, 45 min or more", negativePrompt: "", policy: doubt };
  expect(judgePrompt({ ...input, rating: "suggestive" })).toMatchObject({ rule: "minors" });
  expect(judgePrompt({ ...input, rating: "general" })).toMatchObject({ decision: "allowed" });
});

test("what cannot work in a policy is reported with its place", () => {
  const broken = policySchema.parse({
    concepts: { one: { words: ["??"], patterns: ["("] }, none: {} },
    rules: [{ id: "rule", concept: "onne", with: ["thre"], ratings: ["general"], advice: "No." }],
    raises: { two: "nudity" },
  });
  expect(policyProblems(broken).map((problem) => problem.path.join("."))).toStrictEqual([
    "concepts.one.patterns.0",
    "concepts.one.words.0",
    "concepts.none",
    "rules.0.concept",
    "rules.0.with.0",
    "raises.two",
  ]);
  expect(policyProblems(policy)).toStrictEqual([]);
});

test("everything above general is rated", () => {
  expect((["general", "suggestive", "nudity"] as const).map(isRated)).toStrictEqual([false, true, true]);
});
