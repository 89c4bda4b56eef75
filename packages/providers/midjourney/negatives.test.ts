import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { ordinaryNegatives } from "./negatives.ts";

it.each([
  ["", []],
  ["people, hands, text, watermark", ["people", "hands", "text", "watermark"]],
  ["Text; TEXT\ntext", ["text"]],
  ["child, nudity, blurry", ["blurry"]],
  ["youthful face, explicit, extra limbs", ["extra limbs"]],
  ["UNDERAGE, under-aged, teenagers, tilted horizon", ["tilted horizon"]],
  ["text --no hats, {a，b}::2", ["text no hats", "a", "b"]],
])("of %j it keeps %j", (negativePrompt, expected) => {
  expect(ordinaryNegatives(negativePrompt)).toEqual(expected);
});

it("keeps of our own templates what is about the picture, and nothing about decency", () => {
  const folder = new URL("../../../templates/categories/", import.meta.url);
  const texts = readdirSync(folder).flatMap((name) => {
    const file = readFileSync(new URL(name, folder), "utf8");
    return [...file.matchAll(/negative_prompt: (?:&\w+ )?(?:>-)?([^:]+?)\n\s+slots:/g)].map(
      ([, text = ""]) => text,
    );
  });
  expect(texts.length).toBeGreaterThan(3);
  const terms = new Set(texts.map((text) => text.replace(/\s+/g, " ")).flatMap(ordinaryNegatives));
  expect(terms).toContain("watermark");
  expect(terms).toContain("bad anatomy");
  expect([...terms].join(" ")).not.toMatch(/child|minor|age|teen|youth|nud|explicit|porn|genital|vulgar/);
});
