import { afterAll, expect, test } from "vitest";
import { imaging, photo } from "../imaging/testing.ts";
import { openInspection } from "./classifier.ts";
const c = openInspection();
afterAll(() => c?.close());
test("x", async () => {
  for (const n of ["astronaut.png","coffee.png"] as const) {
  const t=performance.now();
  console.log(JSON.stringify(await c?.classify(await imaging.open(photo(n)))), performance.now()-t);
  }
});
