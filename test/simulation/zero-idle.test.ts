import { expect, test } from "vitest";
import { idleFigures } from "./zero-idle.ts";

test("waiting for a provider costs nothing: an image takes as many states and calls for 60 s as for 3 s", async () => {
  const figures = await idleFigures(10);
  expect(figures.transitionsRatio).toBeLessThanOrEqual(1.02);
  expect(figures.invocationsRatio).toBeLessThanOrEqual(1.02);
  expect(figures.billedRatio).toBeLessThanOrEqual(1.02);
  expect(figures.after3s.transitions).toBeGreaterThanOrEqual(5);
  expect(figures.after60s.virtualSeconds).toBeGreaterThanOrEqual(60);
}, 60_000);
