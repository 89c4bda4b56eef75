/**
 * @module Whole executions with a Midjourney wrapper: one charge, a grid of four, one picture chosen and three kept beside it; hooks
 * that nobody signed; upscales that are asked for once.
 */

import type { Provider } from "@atelier/core/provider";
import { reconcileLedgers } from "@atelier/core/reconcile";
import { reconcileAttempts } from "@atelier/core/reconcile-attempts";
import { readWebhookPath, receiveWebhook, webhookPath } from "@atelier/core/webhook";
import { createMidjourneyProvider } from "@atelier/providers/midjourney/provider";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ended } from "../builders/flows.ts";
import { type MemoryTables, startMemoryTables } from "../builders/memory-table.ts";
import { startWorld, type World } from "../builders/world.ts";
import { type SimulatedMidjourney, startMidjourney } from "../simulators/midjourney.ts";
import { MIDJOURNEY } from "../simulators/midjourney-models.ts";

let tables: MemoryTables;
beforeAll(async () => {
  tables = await startMemoryTables();
});
afterAll(() => tables.close());

const KEY = Buffer.from("a webhook key for tests");

interface Made {
  readonly world: World;
  readonly wrapper: SimulatedMidjourney;
}

/** One image, bought from the wrapper under the names of the test catalogue. */
async function make<T>(
  options: {
    readonly outputs: "crop" | "upscale";
    readonly dialect?: "change" | "action";
    readonly hooks: boolean;
  },
  prepare: (wrapper: SimulatedMidjourney) => void,
  look: (made: Made) => Promise<T>,
): Promise<T> {
  let nowMs = 0;
  let world: World | undefined;
  const wrapper = await startMidjourney({
    dialect: options.dialect ?? "change",
    clock: () => nowMs,
    gridMs: 20_000,
    upscaleMs: 1_000,
    quarterPixels: 128,
    deliver: async ({ url, body }) => {
      const named = readWebhookPath(new URL(url).pathname);
      if (!world || !named) return;
      const call = { ...named, headers: {}, rawBody: Buffer.from(body) };
      await receiveWebhook(call, { ...world.steps, webhookKey: KEY });
    },
  });
  const adapter = createMidjourneyProvider(
    { baseUrl: wrapper.origin, apiKey: null, outputs: options.outputs },
    { clock: () => nowMs },
  );
  const provider: Provider = {
    ...adapter,
    submit: (request, context) => adapter.submit({ ...request, model: MIDJOURNEY }, context),
  };
  prepare(wrapper);
  world = await startWorld(await tables.table(), {
    providerOf: () => provider,
    webhookUrlOf: ({ attemptId }) =>
      options.hooks ? `https://atelier.example.com${webhookPath("replicate", attemptId, KEY)}` : null,
  });
  nowMs = world.clock();
  const running = world;
  try {
    const executions = await world.start({ parameters: { width: 1024, height: 1024 } });
    await ended(world, executions, async () => {
      nowMs = running.clock();
      await wrapper.tick();
      if (!options.hooks) await reconcileAttempts(running.reconciling);
    });
    await reconcileLedgers(world.reconciling);
    return await look({ world, wrapper });
  } finally {
    await world.close();
    await wrapper.close();
  }
}

const theImage = (world: World) => world.image("img_contract_00000");

describe("a grid of four", () => {
  test.each([
    ["by hooks that nobody signed", true],
    ["by asking", false],
  ])("is cut: one is chosen, the others and the grid are kept (%s)", async (_, hooks) => {
    await make(
      { outputs: "crop", hooks },
      () => undefined,
      async ({ world, wrapper }) => {
        const image = await theImage(world);
        expect(image.failure).toBeNull();
        expect(image.status).toBe("completed");
        expect(image.originals.map(({ key }) => key.replace(/.*-1-/, "")).sort()).toStrictEqual([
          "0.png",
          "0q0.png",
          "0q1.png",
          "0q2.png",
          "0q3.png",
        ]);
        // The chosen one comes first, and is no grid.
        expect(image.originals[0]?.layout).toBeUndefined();
        expect(image.renditions.find(({ name }) => name === "full")).toMatchObject({
          width: 128,
          height: 128,
        });
        expect(wrapper.bought()).toMatchObject({ grids: 1 });
        expect(await world.attempt("img_contract_00000-1")).toMatchObject({
          settledMicros: 10_000,
          ledgerApplied: true,
        });
      },
    );
  });

  test.each(["change", "action"] as const)(
    "is enlarged where that is wanted: asked once for each (%s)",
    async (dialect) => {
      await make(
        { outputs: "upscale", dialect, hooks: false },
        () => undefined,
        async ({ world, wrapper }) => {
          const image = await theImage(world);
          expect(image.failure).toBeNull();
          expect(image.status).toBe("completed");
          expect(image.originals).toHaveLength(4);
          expect(wrapper.bought()).toMatchObject({ grids: 1, upscales: 4 });
          expect((await world.attempt("img_contract_00000-1")).settledMicros).toBe(10_000);
        },
      );
    },
  );

  test("is cut after all when enlarging is refused", async () => {
    const refuse = (wrapper: SimulatedMidjourney) =>
      wrapper.spoil("upscale", { kind: "status", status: 500 }, 4);
    await make({ outputs: "upscale", hooks: false }, refuse, async ({ world, wrapper }) => {
      expect((await theImage(world)).originals).toHaveLength(5);
      expect(wrapper.bought()).toMatchObject({ grids: 1, upscales: 0 });
    });
  });
});
