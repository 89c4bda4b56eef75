import { expect, test } from "vitest";
import { costOfBatch } from "../../bench/cost.ts";

/** As measured on an x86 core that had nothing else to do; `npm run bench -- cost` measures anew. */
const PICTURE_MS = { "imaging.open": 30, "imaging.measure": 85, "imaging.develop": 60 };

test("a thousand images cost 0.26 dollars on AWS at most, by what a run of fifty counts", async () => {
  const counted = await costOfBatch(50, PICTURE_MS);
  // One cent of it makes them findable by any of their words (decision 0025).
  expect(counted.usdPer1000).toBeLessThanOrEqual(0.26);
  // Five states an image, and what a part of fifty shares.
  expect(counted.transitions).toBeCloseTo(5 + 3 / 50, 5);
  // Whoever adds a write, a read or a file to every image should see it here.
  const writeUnits = Object.values(counted.writeUnits).reduce((sum, units) => sum + units, 0);
  expect(writeUnits).toBeLessThanOrEqual(72);
  expect(counted.readUnits).toBeLessThanOrEqual(55);
  expect(counted.filePuts).toBeLessThanOrEqual(8);
}, 60_000);
