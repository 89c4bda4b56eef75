/**
 * @module Whole executions with a provider that answers with the picture itself: what it charged is what is booked, and nothing is
 * bought twice, whatever goes wrong.
 */
import type { Provider } from "@atelier/core/provider";
import { reconcileLedgers } from "@atelier/core/reconcile";
import { GIVE_UP_MS, reconcileAttempts } from "@atelier/core/reconcile-attempts";
import { createStabilityProvider } from "@atelier/providers/stability/provider";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FIRST_MODEL } from "../builders/catalogue.ts";
import { ended } from "../builders/flows.ts";
import { type MemoryTables, startMemoryTables } from "../builders/memory-table.ts";
import { startWorld } from "../builders/world.ts";
import { type StabilityFault, startTestStability } from "../simulators/stability.ts";
import { CORE, SD35_MEDIUM } from "../simulators/stability-models.ts";
import { tinyPng } from "../simulators/tiny-png.ts";

const KEY = "sk-test-of-the-simulator";

let tables: MemoryTables;
beforeAll(async () => {
  tables = await startMemoryTables();
});
afterAll(() => tables.close());

/** One image, bought at Stability AI under the names and list prices of the test catalogue: 0.01 USD, then 0.03. */
async function make(...faults: StabilityFault[]) {
  let nowMs = 0;
  const stability = await startTestStability({
    clock: () => nowMs,
    apiKey: KEY,
    draw: (_width, _height, seed) => tinyPng(256, 256, seed),
    chargeOf: ({ model }) => (model === CORE.model ? 10_000 : 30_000),
  });
  stability.spoilCreates(...faults);
  const adapter = createStabilityProvider({ baseUrl: stability.origin, apiKey: KEY }, { clock: () => nowMs });
  const provider: Provider = {
    ...adapter,
    submit: (request, context) =>
      adapter.submit(
        { ...request, model: request.model.name === FIRST_MODEL.name ? CORE : SD35_MEDIUM },
        context,
      ),
  };
  const world = await startWorld(await tables.table(), { providerOf: () => provider });
  nowMs = world.clock();
  try {
    const executions = await world.start();
    await ended(world, executions, async () => {
      // Lost for good once the call has returned: nothing can be found again.
      const isLost = stability.made.length === 1 && faults.some(({ kind }) => kind === "reset");
      if (isLost) await world.advance(GIVE_UP_MS);
      await reconcileAttempts(world.reconciling);
    });
    await reconcileLedgers(world.reconciling);
    const [image] = await world.steps.images.ofRequest("req_contract");
    if (!image) throw new Error("No image was made.");
    const attempts = await world.steps.attempts.ofImage(image.imageId);
    expect(attempts.every(({ ledgerApplied }) => ledgerApplied)).toBe(true);
    const booked = attempts.reduce((sum, { settledMicros }) => sum + (settledMicros ?? 0), 0);
    if (image.status !== "unknown") expect(image.costMicros).toBe(booked);
    return {
      status: image.status,
      failure: image.failure?.name ?? null,
      creates: stability.creates.length,
      pictures: stability.made.length,
      chargedMicros: stability.made.reduce((sum, picture) => sum + picture.chargedMicros, 0),
      bookedMicros: booked,
    };
  } finally {
    await world.close();
    await stability.close();
  }
}

const good = {
  status: "completed",
  failure: null,
  creates: 1,
  pictures: 1,
  chargedMicros: 10_000,
  bookedMicros: 10_000,
};
const elsewhere = { ...good, creates: 2, pictures: 2, chargedMicros: 40_000, bookedMicros: 40_000 };

describe("a picture that comes with the answer", () => {
  test("is kept and booked", async () => {
    expect(await make()).toEqual(good);
  });

  test("is bought after the wait that the provider asks for", async () => {
    expect(await make({ kind: "rate-limit", seconds: 2 })).toEqual({ ...good, creates: 2 });
  });

  test("that the provider's filter blurred is not delivered, and was paid for", async () => {
    const made = await make({ kind: "answer", as: "filtered" });
    expect(made).toEqual({ ...good, status: "failed", failure: "ContentRejected" });
  });

  test.each(["failed", "cut"] as const)(
    "that is %s was paid for, and the next model is asked",
    async (as) => {
      expect(await make({ kind: "answer", as })).toEqual(elsewhere);
    },
  );

  test("of an engine that is gone costs nothing, and the next model is asked", async () => {
    const made = await make({ kind: "engine-gone" });
    expect(made).toEqual({ ...good, creates: 2, chargedMicros: 30_000, bookedMicros: 30_000 });
  });

  test("that was lost on the way is booked with all that was held, and never bought again", async () => {
    expect(await make({ kind: "reset", accepted: true })).toMatchObject({
      status: "unknown",
      creates: 1,
      pictures: 1,
      chargedMicros: 10_000,
      bookedMicros: 20_000,
    });
  });
});
