/**
 * @module Images over all providers with faults and deaths at every boundary, at a hundredth of the size of
 * `npm run bench -- faults`, with the real imaging.
 */
import { createImaging } from "@atelier/imaging/open";
import { expect, test } from "vitest";
import { PROVIDERS } from "./catalogue.ts";
import { simulate } from "./simulation.ts";

const SEED = 20_261_122;
const IMAGES = 44;

test("nothing paid is lost or bought twice, whatever goes wrong and whoever dies", async () => {
  const result = await simulate({ seed: SEED, images: IMAGES, imaging: createImaging({ concurrency: 1 }) });
  const replay = `npm run bench -- faults --seed ${SEED} --images ${IMAGES} --imaging real`;
  expect(result.problems, `To see it again: ${replay}`).toEqual([]);
  expect(result).toMatchObject({ leakedHolds: 0, isProved: true, overspentWrites: 0 });
  expect(result.leastRemainingMicros).toBeGreaterThanOrEqual(0);

  // It would prove nothing if nothing had happened.
  for (const name of PROVIDERS) expect(result.byProvider[name]?.creates, name).toBeGreaterThan(0);
  for (const name of PROVIDERS) {
    expect(result.byProvider[name], name).toMatchObject({ unaccounted: 0, lostPictures: 0, boughtTwice: 0 });
  }
  expect(result.images.completed).toBeGreaterThan(IMAGES / 2);
  expect(result.mishaps["machine died"]).toBeGreaterThan(0);
  expect(result.mishaps["function died"]).toBeGreaterThan(0);
  expect(Object.keys(result.faults).length).toBeGreaterThan(5);
  for (const state of ["Validate", "Generate", "Collect", "Process", "Record"]) {
    expect(result.boundaries[`before ${state}`], state).toBeGreaterThan(0);
    expect(result.boundaries[`after ${state}`], state).toBeGreaterThan(0);
  }
}, 120_000);

test("the same seed is the same run", async () => {
  const [one, other] = [await simulate({ seed: 7, images: 6 }), await simulate({ seed: 7, images: 6 })];
  expect({ ...one, turns: 0 }).toEqual({ ...other, turns: 0 });
  expect(one.turns).toBe(other.turns);
}, 60_000);

test("a run that counts wrongly would be found out", async () => {
  // Nobody makes the same create twice; if somebody did, the account would show two.
  const result = await simulate({
    seed: 3,
    images: 8,
    wanted: ["comfyui"],
    tamper: (provider) => ({
      ...provider,
      submit: async (request, context) => {
        await provider.submit(request, context);
        return provider.submit(request, context);
      },
    }),
  });
  expect(result.problems.join("\n")).toContain("creates took effect");
}, 60_000);
