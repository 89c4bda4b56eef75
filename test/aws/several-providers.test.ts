/** @module A deployment that buys from two providers, Replicate and Stability AI: whole executions through the real functions. */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Cloud, openCloud } from "./cloud.ts";

// Whole executions, some seconds each on a machine that does nothing else.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let cloud: Cloud;
beforeAll(async () => {
  for (const method of ["info", "log", "warn", "error", "debug"] as const) {
    vi.spyOn(console, method).mockImplementation(() => undefined);
  }
  Object.assign(process.env, { POWERTOOLS_DEV: "true" });
  cloud = await openCloud({ ATELIER_PROVIDERS: "replicate,stability", ATELIER_PROVIDER: "any" });
});
afterAll(() => cloud.close());

async function produced(letter: string, more: Readonly<Record<string, unknown>> = {}) {
  const request_id = `req_${letter.repeat(26)}`;
  const event = { request_id, prompt: "A bowl of pears on a table", ...more };
  expect(await cloud.invoke("start", event)).toMatchObject({ status: "accepted" });
  await cloud.machine.ended(`${request_id}.0-1`);
  const [image] = await cloud.images.ofRequest(request_id);
  if (!image) throw new Error("There is no image.");
  return { image, attempts: await cloud.attempts.ofImage(image.imageId) };
}

test("the best of both is taken: the most for the money, as nothing was measured yet", async () => {
  const { image, attempts } = await produced("a");
  expect(image).toMatchObject({ status: "completed", attempts: 1 });
  expect(attempts).toMatchObject([{ provider: "replicate", state: "succeeded" }]);
  // Those of Stability AI could have made it too: none is excluded.
  expect(image.exclusions.filter(({ provider }) => provider === "stability")).toEqual([]);
});

test("Replicate out of credit: Stability AI makes it in another attempt, and each dollar is where it belongs", async () => {
  const creates = cloud.sandbox.creates().length;
  cloud.sandbox.faults.add({
    kind: "status",
    status: 402,
    title: "Insufficient credit",
    detail: "No.",
    times: null,
  });
  const { image, attempts } = await produced("b");
  expect(image).toMatchObject({ status: "completed", verdict: { decision: "released" } });

  const last = attempts.at(-1);
  expect(last).toMatchObject({ provider: "stability", state: "succeeded", ledgerApplied: true });
  const [made] = cloud.stability.made;
  expect(cloud.stability.made).toHaveLength(1);
  expect(last?.settledMicros).toBe(made?.chargedMicros);
  // It answered with the picture: the very bytes are on the shelf.
  expect(image.originals).toMatchObject([{ sha256: made?.sha256 }]);

  // The refused account was asked once; what was held for it is given back, and it is not asked for the next picture either.
  const earlier = attempts.slice(0, -1);
  expect(earlier.length).toBeGreaterThan(0);
  for (const attempt of earlier) {
    expect(attempt).toMatchObject({
      provider: "replicate",
      state: "failed",
      outcome: { name: "OutOfCredit", charged: false },
      settledMicros: 0,
      ledgerApplied: true,
    });
  }
  expect(cloud.sandbox.creates().length - creates).toBe(1);
  const next = await produced("c");
  expect(next.attempts).toMatchObject([{ provider: "stability", state: "succeeded" }]);
  const report = await cloud.invoke("reconcile", {});
  expect(report).toMatchObject({ attempts: { open: 0, unreachable: [] }, ledger: { givenBack: 0 } });
});
