import { expect, test } from "vitest";
import { OPERATIONS } from "./operations.ts";
import { attackWithBodies, BODIES } from "./random.ts";

const SEED = 20_261_122;

test("random bodies from the document: refused or done, never a fault of ours", async () => {
  const { bodies, statuses, accepted } = await attackWithBodies(BODIES / 100, SEED);
  expect(Object.values(statuses).reduce((sum, count) => sum + count, 0)).toBe(bodies);
  // Both sides of the line were met, by every operation.
  expect(statuses["400"]).toBeGreaterThan(bodies / 5);
  expect(Object.keys(accepted).sort()).toEqual(
    OPERATIONS.flatMap(({ id, body }) => (body ? [id] : [])).sort(),
  );
}, 120_000);
