/** @module What the reconciler makes of attempts whose run has died between a provider's answer and its own note of it. */
import type { Image } from "@atelier/core/image";
import { incomingKey } from "@atelier/core/outcome";
import type { Provider } from "@atelier/core/provider";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { held } from "../../test/builders/flows.ts";
import { type MemoryTables, startMemoryTables } from "../../test/builders/memory-table.ts";
import { startWorld, type World } from "../../test/builders/world.ts";
import { tinyPng } from "../../test/simulators/tiny-png.ts";
import { GIVE_UP_MS, reconcileAttempts } from "./reconcile-attempts.ts";

/** Answers with the picture itself, and cannot be asked again. */
const PROVIDER: Provider = {
  name: "replicate",
  trustedOrigin: null,
  submit: async () => ({
    kind: "done",
    outputs: [{ kind: "bytes", bytes: tinyPng(64, 64, 1), contentType: "image/png" }],
    costMicros: null,
  }),
  check: () => Promise.reject(new Error("There is nothing to ask about.")),
};

let tables: MemoryTables;
let world: World;
beforeAll(async () => {
  tables = await startMemoryTables();
});
afterAll(() => tables.close());
beforeEach(async () => {
  world = await startWorld(await tables.table(), { providerOf: () => PROVIDER });
});
afterEach(() => world.close());

const deps = () => ({ ...world.reconciling, providerOf: () => PROVIDER });

describe("a create whose answer was lost, at a provider that cannot be asked again", () => {
  async function lost() {
    const input = await held(world);
    const set = { state: "reconciling", submittingAtMs: world.clock(), checkedAtMs: world.clock() } as const;
    await world.steps.attempts.patch(input.attemptId, { set, when: [] });
    return input;
  }

  test("succeeded when its picture lies where it was kept, and is booked at the list price", async () => {
    const { attemptId, imageId } = await lost();
    const bytes = [tinyPng(64, 64, 1), Buffer.from("no picture")];
    for (const [index, each] of bytes.entries()) {
      const contentType = index === 0 ? "image/png" : "application/octet-stream";
      const key = incomingKey({ attemptId, imageId }, index, contentType);
      await world.steps.blobs.put(key, each, contentType);
    }
    await world.advance(deps().times.lostCreateGraceMs);
    await reconcileAttempts(deps());
    expect(await world.attempt(attemptId)).toMatchObject({
      state: "succeeded",
      outcome: {
        kind: "succeeded",
        costMicros: null,
        outputs: [
          {
            kind: "stored",
            stored: { key: `incoming/${imageId}/${attemptId}-0.png`, bytes: bytes[0]?.length },
          },
          { kind: "stored", stored: { key: `incoming/${imageId}/${attemptId}-1.bin`, bytes: 10 } },
        ],
      },
    });
  });

  test("is given up after its time when nothing was kept", async () => {
    const { attemptId } = await lost();
    await world.advance(GIVE_UP_MS);
    await reconcileAttempts(deps());
    expect(await world.attempt(attemptId)).toMatchObject({ state: "unknown", outcome: null });
  });
});

test("what is known of an attempt whose image has ended is settled, though no run is left to do it", async () => {
  const { attemptId, imageId } = await held(world);
  const cancelled: Partial<Image> = { status: "cancelled", finishedAtMs: world.clock() };
  await world.steps.images.patch(imageId, { set: cancelled, when: [] });
  const outcome = {
    kind: "failed",
    name: "ProviderCancelled",
    message: "The job was cancelled while it ran.",
    charged: true,
    costMicros: 4_000,
    atMs: world.clock(),
  } as const;
  await world.steps.attempts.patch(attemptId, { set: { state: "failed", outcome }, when: [] });
  await reconcileAttempts(deps());
  expect(await world.attempt(attemptId)).toMatchObject({ settledMicros: 4_000, ledgerApplied: true });
  expect(await world.row()).toMatchObject({ openHolds: 0, remaining: { m: 20_000_000 - 4_000 } });
});

test("an attempt whose image goes on is left to its run", async () => {
  const { attemptId } = await held(world);
  const outcome = {
    kind: "failed",
    name: "ProviderFailed",
    message: "",
    charged: true,
    costMicros: 1,
    atMs: 1,
  } as const;
  await world.steps.attempts.patch(attemptId, { set: { state: "failed", outcome }, when: [] });
  await reconcileAttempts(deps());
  expect(await world.attempt(attemptId)).toMatchObject({ settledMicros: null, ledgerApplied: false });
});

describe("a picture in the answer", () => {
  const faultyBlobs = (failures: number) => {
    let left = failures;
    return {
      ...world.steps.blobs,
      put: (...put: Parameters<World["steps"]["blobs"]["put"]>) => {
        if (left-- > 0)
          return Promise.reject(Object.assign(new Error("no answer"), { name: "StorageUnavailable" }));
        return world.steps.blobs.put(...put);
      },
    };
  };
  async function generated(failures: number) {
    const blobs = faultyBlobs(failures);
    const faulty = await startWorld(await tables.table(), { providerOf: () => PROVIDER, blobs });
    try {
      const input = await held(faulty);
      await faulty.generating(input).sent;
      return await faulty.attempt(input.attemptId);
    } finally {
      await faulty.close();
    }
  }

  test("is kept although the store fails some times: it is paid for, and nowhere else", async () => {
    expect(await generated(4)).toMatchObject({
      state: "succeeded",
      outcome: { outputs: [{ kind: "stored" }] },
    });
  });

  test("is given up for lost when the store does not come back", async () => {
    expect(await generated(5)).toMatchObject({ state: "submitting", outcome: null, submitter: null });
  });
});
