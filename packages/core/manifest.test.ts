import { expect, test } from "vitest";
import { manifestSchema, originalKey, versionFolder } from "./manifest.ts";

const image = { category: "feet", localDate: "2026-03-01", imageId: "img_a_00000" } as const;

test("a version's folder comes from the image alone", () => {
  expect(versionFolder("content", image, 1)).toBe("content/feet/2026/03/img_a_00000/v1/");
  expect(versionFolder("quarantine", image, 12)).toBe("quarantine/feet/2026/03/img_a_00000/v12/");
});

test("an original keeps its name from incoming/", () => {
  expect(originalKey(image, "incoming/img_a_00000/img_a_00000-2-0.png")).toBe(
    "originals/feet/2026/03/img_a_00000/img_a_00000-2-0.png",
  );
});

test("a manifest holds no prompt, and says which attempt, model and recipe", () => {
  const fields = Object.keys(manifestSchema.shape);
  expect(fields.filter((field) => /prompt/i.test(field))).toEqual([]);
  expect(fields).toEqual(
    expect.arrayContaining(["attemptId", "model", "modelVersion", "recipe", "verdict", "renditions"]),
  );
});
