import { describe, expect, test } from "vitest";
import { categorySchema, DEFAULT_PARAMETERS, policySchema } from "./catalogue.ts";
import { expandRequest, templateNamed } from "./expand.ts";

function template(name: string, words: string[]) {
  return {
    name,
    description: "A template for a test.",
    prompt: `${name}, 30 years old: {thing}`,
    negativePrompt: "blurry",
    slots: { thing: words.map((text) => ({ text, tags: [text] })) },
    tags: [name],
    parameters: { width: 512, height: 768, steps: 30, guidanceScale: 5 },
    models: ["some-model"],
  };
}
const categories = [
  {
    name: "feet",
    rating: "suggestive",
    description: "Two.",
    templates: [template("first", ["aa", "bb"]), template("second", ["cc", "dd"])],
  },
  { name: "custom", rating: "general", description: "None.", templates: [] },
].map((category) => categorySchema.parse(category));
const policy = policySchema.parse({
  concepts: { act: { words: ["forbidden"] }, dress: { words: ["lingerie"] } },
  rules: [{ id: "acts", concept: "act", ratings: ["general"], advice: "Not that." }],
  raises: { dress: "suggestive" },
});
const request = { category: "feet", template: null, freePrompt: false, seed: 7, parameters: {} } as const;
const expand = (
  change: Partial<Parameters<typeof expandRequest>[0]["request"]>,
  indexes: number[],
  freePrompts?: Map<number, { prompt: string; negativePrompt: string }>,
) =>
  expandRequest({
    request: { ...request, ...change },
    catalogue: { categories, policy },
    indexes,
    ...(freePrompts === undefined ? {} : { freePrompts }),
  });

describe("templates", () => {
  test("take turns from one that the seed picks, and none repeats before all have come", () => {
    const images = expand({}, [0, 1, 2, 3]);
    expect(images.map((image) => image.template)).toStrictEqual(["second", "first", "second", "first"]);
    expect(expand({ seed: 8 }, [0])[0]?.template).toBe("first");
    expect(new Set(images.map((image) => image.prompt))).toStrictEqual(
      new Set(
        ["first: aa", "first: bb", "second: cc", "second: dd"].map((text) =>
          text.replace(":", ", 30 years old:"),
        ),
      ),
    );
    expect(new Set(images.map((image) => image.seed)).size).toBe(4);
  });

  test("give everything that an image needs", () => {
    const [image] = expand({ template: "first", parameters: { steps: 20, width: undefined } }, [3]);
    const thing = image?.slots.thing;
    expect(image).toStrictEqual({
      index: 3,
      template: "first",
      slots: { thing },
      seed: expect.any(Number),
      tags: ["first", thing],
      rating: "suggestive",
      parameters: { width: 512, height: 768, steps: 20, guidanceScale: 5 },
      prompt: `first, 30 years old: ${thing}`,
      negativePrompt: "blurry",
      judgement: { decision: "allowed", rating: "suggestive", concepts: [] },
      models: ["some-model"],
    });
  });

  test("give the same image whatever other indexes are asked for", () => {
    const all = expand({}, [0, 1, 2, 3, 4, 5, 6]);
    expect(expand({}, [5])).toStrictEqual([all[5]]);
  });
});

describe("free prompts", () => {
  const prompts = new Map([
    [0, { prompt: " a 32-year-old in black lingerie ", negativePrompt: "" }],
    [1, { prompt: "something forbidden", negativePrompt: "" }],
    [2, { prompt: "\u200b", negativePrompt: "" }],
    [4, { prompt: "black lingerie", negativePrompt: "" }],
    [5, { prompt: "black lingerie, 32 years old, a model (17)", negativePrompt: "" }],
  ]);

  test("are judged as they stand", () => {
    const [first, second] = expand({ category: "custom", freePrompt: true }, [0, 1], prompts);
    expect(first).toMatchObject({
      template: null,
      prompt: "a 32-year-old in black lingerie",
      rating: "general",
      judgement: { decision: "allowed", rating: "suggestive" },
      parameters: DEFAULT_PARAMETERS,
    });
    expect(second?.judgement).toStrictEqual({
      decision: "refused",
      rating: "general",
      rule: "acts",
      message: "Not that.",
    });
  });

  test.each([
    [4, "adult-age-missing"],
    [5, "age-below-18"],
  ])("of a higher rating must state an adult age and no other: %i", (index, rule) => {
    const [image] = expand({ category: "custom", freePrompt: true }, [index], prompts);
    expect(image?.judgement).toMatchObject({ decision: "refused", rating: "suggestive", rule });
  });

  test("that are empty or missing are refused", () => {
    expect(() => expand({ category: "custom", freePrompt: true }, [2], prompts)).toThrow(/prompt is empty/);
    expect(() => expand({ category: "custom", freePrompt: true }, [3], prompts)).toThrow(/has no prompt/);
  });
});

test.each([
  [{ template: "frist" }, /no template of feet "frist"\. Did you mean "first"\? Known: first, second\./],
  [{ category: "custom" }, /custom has no templates; give a prompt/],
  [{ category: "lingerie" }, /no category "lingerie"\. Known: feet, custom\./],
] as const)("%j is refused with the names that exist", (change, message) => {
  expect(() => expand(change, [0])).toThrow(message);
});

test("a template is found with its category", () => {
  expect(templateNamed({ categories }, "second").category.name).toBe("feet");
  expect(() => templateNamed({ categories }, "seconds")).toThrow(/Did you mean "second"/);
});
