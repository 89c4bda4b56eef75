import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import type { Classification } from "@atelier/core/classifier";
import { drawPlaceholder } from "@atelier/imaging/placeholder";
import { beforeAll, describe, expect, it } from "vitest";
import { imaging, type PHOTO_NAMES, photo } from "../imaging/testing.ts";
import { FACE_MODEL } from "./age.ts";
import { loadModels, type Models } from "./models.ts";
import { RATING_MODEL } from "./rating.ts";
import { plainPicture } from "./testing.ts";

/** The real models on real pictures. What they say is asked for loosely: it is theirs, not ours. */
describe("the models", () => {
  let models: Models;
  const seen: Partial<Record<(typeof PHOTO_NAMES)[number], Extract<Classification, { kind: "measured" }>>> =
    {};
  beforeAll(async () => {
    models = await loadModels({ faceScoreMin: 0.5 });
    for (const name of ["astronaut.png", "chelsea.png", "coffee.png", "hubble_deep_field.jpg"] as const) {
      seen[name] = await models.classify(await imaging.open(photo(name)));
    }
  });

  it("see one adult face in a portrait", () => {
    const faces = seen["astronaut.png"]?.faces ?? [];
    expect(faces).toHaveLength(1);
    expect(faces[0]?.score).toBeGreaterThan(0.9);
    // The astronaut is a woman in her thirties; the same face came out between 19 and 43.
    expect(faces[0]?.ageYears).toBeGreaterThan(18);
    expect(faces[0]?.ageYears).toBeLessThan(50);
  });

  it("see no face in a cup and in the stars, and may see one in a cat", () => {
    expect(seen["coffee.png"]?.faces).toStrictEqual([]);
    expect(seen["hubble_deep_field.jpg"]?.faces).toStrictEqual([]);
    // Why one detection is no proof: below the score that rejects.
    for (const face of seen["chelsea.png"]?.faces ?? []) expect(face.score).toBeLessThan(0.95);
  });

  it("find nothing to hold back in any of them", () => {
    for (const [name, { scores, tellsExplicit }] of Object.entries(seen)) {
      expect(scores.suggestive, name).toBeLessThan(0.4);
      expect(scores.other, name).toBe(0);
      expect(tellsExplicit, name).toBe(false);
    }
  });

  it("take the sandbox's placeholder for a picture, whatever they see in it", async () => {
    const placeholder = await imaging.open(
      await drawPlaceholder({
        width: 256,
        height: 256,
        seed: 7,
        title: "sdxl",
        lines: [],
        key: Buffer.from("a key"),
      }),
    );
    expect(await models.classify(placeholder)).toMatchObject({ kind: "measured", tellsExplicit: false });
  });

  it("say the same of a picture each time, and leave no tensor behind", async () => {
    const portrait = await imaging.open(photo("astronaut.png"));
    const before = models.tensors();
    expect(await models.classify(portrait)).toStrictEqual(seen["astronaut.png"]);
    await expect(models.classify({ ...plainPicture(8, 8), width: 9 })).rejects.toThrow(
      "The pixels do not fit the picture's size.",
    );
    expect(models.tensors()).toBe(before);
  });

  it.each([
    [1, 1],
    [4_000, 3],
    [2_600, 2_600],
  ])("look at %d x %d pixels of one colour, too", async (width, height) => {
    expect(await models.classify(plainPicture(width, height))).toMatchObject({ kind: "measured" });
  });
});

it("the models are named as they are installed", () => {
  const require = createRequire(import.meta.url);
  const versionIn = (path: string) => JSON.parse(readFileSync(path, "utf8")).version as string;
  // nsfwjs does not export its own package.json.
  const nsfwFolder = dirname(dirname(dirname(require.resolve("nsfwjs/core"))));
  expect(RATING_MODEL).toContain(` ${versionIn(`${nsfwFolder}/package.json`)} `);
  expect(FACE_MODEL).toContain(` ${versionIn(require.resolve("@vladmandic/face-api/package.json"))} `);
});
