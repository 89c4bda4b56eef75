import { expect, test } from "vitest";
import type { Classification, OpenPicture } from "./ports.ts";
import { judgePicture } from "./verdict.ts";

const key = Buffer.from("a key");
const picture = (marked: boolean): OpenPicture => ({
  width: 8,
  height: 8,
  format: "png",
  pixels: new Uint8Array(192),
  markedBy: (given) => marked && given === key,
  measure: () => Promise.reject(new Error("not measured here")),
  develop: () => {
    throw new Error("not developed here");
  },
});
const says = (decision: Classification["decision"], rating: Classification["rating"]) => ({
  classify: async () => ({ decision, rating, reason: "a reason" }),
});
const judge = (
  classifier?: Parameters<typeof judgePicture>[2]["classifier"],
  expected: "general" | "suggestive" = "suggestive",
) => judgePicture(picture(false), expected, { classifier, sandboxKey: key });

test("a picture with the sandbox's mark is released without a classifier", async () => {
  expect(await judgePicture(picture(true), "nudity", { sandboxKey: key })).toMatchObject({
    decision: "released",
    basis: "sandbox-mark",
    rating: "general",
  });
});

test("a mark counts only where a sandbox runs, with its own key", async () => {
  for (const sandboxKey of [null, Buffer.from("another")]) {
    expect(await judgePicture(picture(true), "general", { sandboxKey })).toMatchObject({
      decision: "quarantined",
      basis: "no-classifier",
      rating: null,
    });
  }
});

test("without a classifier everything else waits for a person", async () => {
  expect(await judge()).toMatchObject({ decision: "quarantined", basis: "no-classifier" });
});

test.each([
  ["release", "general", "released"],
  ["release", "suggestive", "released"],
  ["release", "nudity", "quarantined"],
  ["release", "explicit", "rejected"],
  ["quarantine", "general", "quarantined"],
  ["quarantine", "explicit", "rejected"],
  ["reject", "general", "rejected"],
] as const)("a classifier that says %s and %s: %s", async (decision, rating, expected) => {
  expect(await judge(says(decision, rating))).toEqual({
    decision: expected,
    basis: "classifier",
    rating,
    reason: "a reason",
  });
});

test("a classifier that fails releases nothing", async () => {
  const failing = { classify: () => Promise.reject(new TypeError("out of memory: secret path")) };
  const verdict = await judge(failing);
  expect(verdict).toMatchObject({ decision: "quarantined", basis: "classifier", rating: null });
  expect(verdict.reason).toContain("TypeError");
  expect(verdict.reason).not.toContain("secret");
});
