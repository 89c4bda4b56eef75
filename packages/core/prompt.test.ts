import { describe, expect, test } from "vitest";
import { templateSchema } from "./catalogue.ts";
import { alwaysStatesAdultAge, checkedPrompt, filledPrompt, promptHashOf } from "./prompt.ts";

const template = templateSchema.parse({
  name: "tried",
  description: "A template for a test.",
  prompt: "portrait of a {age} woman,\n  {light}",
  negativePrompt: "blurry",
  slots: { age: [{ text: "30-year-old" }, { text: "41-year-old" }], light: [{ text: "soft light" }] },
  tags: ["tried"],
  parameters: { width: 1024, height: 1024, steps: 50, guidanceScale: 7.5 },
});

describe("filling", () => {
  test("puts the words in and makes white space single blanks", () => {
    expect(filledPrompt(template, { age: "30-year-old", light: "soft light" })).toStrictEqual({
      prompt: "portrait of a 30-year-old woman, soft light",
      negativePrompt: "blurry",
    });
  });

  test("does not look into the words for further places or replacement signs", () => {
    expect(filledPrompt(template, { age: "{light}", light: "$& $1" }).prompt).toBe(
      "portrait of a {light} woman, $& $1",
    );
  });

  test("refuses a place without a value", () => {
    expect(() => filledPrompt(template, { age: "30-year-old" })).toThrow(
      /the place \{light\} without a slot/,
    );
  });
});

describe("a person's prompt", () => {
  test("is trimmed and otherwise left alone", () => {
    expect(checkedPrompt({ prompt: "  a  wall\n", negativePrompt: " " })).toStrictEqual({
      prompt: "a  wall",
      negativePrompt: "",
    });
  });

  test.each([
    [{ prompt: " \n", negativePrompt: "" }, /prompt is empty/],
    [{ prompt: "\u200b\u2060 \ufeff", negativePrompt: "" }, /prompt is empty/],
    [{ prompt: "\u0000\u0007\u0085", negativePrompt: "" }, /prompt is empty/],
    [{ prompt: "\u2800\u3164\u00ad\ufe0f", negativePrompt: "" }, /prompt is empty/],
    [{ prompt: "x".repeat(2_001), negativePrompt: "" }, /prompt has 2001 characters, but at most 2000/],
    [{ prompt: "a wall", negativePrompt: "x".repeat(2_001) }, /negative prompt has 2001 characters/],
    [{ prompt: "a wall \ud800", negativePrompt: "" }, /not well-formed Unicode/],
  ])("%# is refused in one sentence", (text, message) => {
    expect(() => checkedPrompt(text)).toThrow(message);
  });

  test.each(["🌼", "犬", "?", "\u200ba"])("may be as short as %j", (prompt) => {
    expect(checkedPrompt({ prompt, negativePrompt: "" }).prompt).toBe(prompt);
  });

  test("may have 2000 characters outside the basic plane", () => {
    expect(checkedPrompt({ prompt: "🌼".repeat(2_000), negativePrompt: "" }).prompt).toHaveLength(4_000);
  });
});

describe("a template states an adult age whatever is chosen", () => {
  const withPrompt = (prompt: string, slots: Record<string, string[]>) =>
    alwaysStatesAdultAge({
      prompt,
      slots: Object.fromEntries(
        Object.entries(slots).map(([name, texts]) => [name, texts.map((text) => ({ text, tags: [] }))]),
      ),
    });

  test.each([
    ["in its own text", "a 30-year-old, {light}", { light: ["day", "night"] }, true],
    ["in a slot inside its text", "a {age}-year-old", { age: ["25", "40"] }, true],
    ["in a whole slot", "portrait of {who}", { who: ["a 25-year-old woman", "a man in his fifties"] }, true],
    ["not with one of the values", "a {age}-year-old", { age: ["25", "grown"] }, false],
    [
      "not with two slots of which each may leave it out",
      "{a} {b}",
      { a: ["25 years old", "x"], b: ["x", "30 years old"] },
      false,
    ],
    ["not when a slot can spoil the number", "a {n}30-year-old", { n: ["", "1"] }, false],
    ["not at all", "an adult, {light}", { light: ["day"] }, false],
  ])("%s", (_, prompt, slots, states) => {
    expect(withPrompt(prompt, slots as Record<string, string[]>)).toBe(states);
  });
});

test("the hash depends on key, prompt and negative prompt, and shows none of them", () => {
  const key = new Uint8Array(32).fill(1);
  const hash = promptHashOf({ prompt: "a wall", negativePrompt: "blurry" }, key);
  expect(hash).toMatch(/^[0-9a-f]{64}$/);
  expect(promptHashOf({ prompt: "a wall", negativePrompt: "blurry" }, key)).toBe(hash);
  for (const other of [
    promptHashOf({ prompt: "a wallblurry", negativePrompt: "" }, key),
    promptHashOf({ prompt: "a wall", negativePrompt: "blurry" }, new Uint8Array(32).fill(2)),
  ]) {
    expect(other).not.toBe(hash);
  }
});
