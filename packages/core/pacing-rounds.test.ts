import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { memoryStore, runLoad } from "../../test/simulators/strict-provider.ts";
import type { ProviderLimits } from "./catalogue.ts";
import { UNLIMITED } from "./pacing.ts";
import { createPacing, LEASE_MS } from "./pacing-rounds.ts";
import type { Lane } from "./pacing-row.ts";
import type { PacingStore } from "./ports.ts";

const START_MS = Date.parse("2026-11-22T06:00:00Z");

function processes(count: number, limits: Partial<ProviderLimits>, store = memoryStore()) {
  const world = { store, nowMs: START_MS, running: new Set<string>(), asked: 0 };
  const made = Array.from({ length: count }, () =>
    createPacing({
      store: world.store,
      clock: () => world.nowMs,
      limitsOf: () => ({ ...UNLIMITED, ...limits }),
      timezone: "UTC",
      isRunning: async (attemptId) => {
        world.asked++;
        return world.running.has(attemptId);
      },
    }),
  );
  const turn = (attemptId: string, lane: Lane = "interactive") => ({
    provider: "replicate",
    attemptId,
    lane,
    deadlineAtMs: world.nowMs + 300_000,
  });
  return { world, processes: made, turn };
}

describe("turns asked for together", () => {
  test("forty at once cost two writes, and the interactive ones go first", async () => {
    const {
      world,
      processes: [pacing],
      turn,
    } = processes(1, { createsPerMinute: 600 });
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        pacing?.take(turn(`a${index}`, index % 2 ? "interactive" : "plan")),
      ),
    );
    const gone = answers.flatMap((answer, index) => (answer?.kind === "go" ? [index] : []));
    expect(gone).toHaveLength(36);
    // The first was asked for alone, before there were others.
    expect(gone.filter((index) => index % 2 === 1)).toHaveLength(30);
    expect(world.store.writes()).toBe(2);
  });

  test("where demand goes on while the bucket is full, tokens are taken ahead, for a second", async () => {
    const {
      world,
      processes: [pacing],
      turn,
    } = processes(1, { createsPerMinute: 600 });
    const take = (attemptId: string) => pacing?.take(turn(attemptId));
    for (const attemptId of ["a", "b", "c", "d", "e", "f"])
      expect(await take(attemptId)).toEqual({ kind: "go" });
    expect(world.store.writes()).toBeLessThan(5);
    await take("g");
    const before = world.store.writes();
    world.nowMs += LEASE_MS;
    expect(await take("h")).toEqual({ kind: "go" });
    expect(world.store.writes()).toBe(before + 1);
    await pacing?.restUntil("replicate", world.nowMs + 5_000);
    expect(await take("i")).toMatchObject({ kind: "wait", reason: "rest" });
  });

  test("who loses every round is told to wait, not left waiting", async () => {
    const losing: PacingStore = { ...memoryStore(), write: async () => false };
    const {
      processes: [pacing],
      turn,
    } = processes(1, { createsPerMinute: 600 }, { ...losing, writes: () => 0 });
    expect(await pacing?.take(turn("a"))).toMatchObject({ kind: "wait", reason: "rate" });
    await pacing?.report("replicate", "a", "fault");
  });

  test("a store that fails fails who asked, and the next may ask again", async () => {
    const store = memoryStore();
    let fails = true;
    const failing = {
      ...store,
      read: async (provider: string) => {
        if (fails) throw new Error("no store");
        return store.read(provider);
      },
    };
    const {
      processes: [pacing],
      turn,
    } = processes(1, { createsPerMinute: 600 }, failing);
    await expect(Promise.all([pacing?.take(turn("a")), pacing?.take(turn("b"))])).rejects.toThrow("no store");
    fails = false;
    expect(await pacing?.take(turn("a"))).toEqual({ kind: "go" });
  });
});

describe("places", () => {
  test("are asked about only when all are taken, and those of jobs that have ended are given on", async () => {
    const {
      world,
      processes: [one, other],
      turn,
    } = processes(2, { concurrent: 2 });
    for (const attemptId of ["a", "b"]) {
      world.running.add(attemptId);
      expect(await one?.take(turn(attemptId))).toEqual({ kind: "go" });
    }
    expect(world.asked).toBe(0);
    expect(await other?.take(turn("c"))).toMatchObject({ kind: "wait", reason: "concurrent" });
    expect(world.asked).toBe(2);
    world.running.delete("a");
    expect(await other?.take(turn("c"))).toEqual({ kind: "go" });
    expect(Object.keys((await world.store.read("replicate"))?.running ?? {})).toEqual(["b", "c"]);
  });
});

describe("reports", () => {
  test("of an answer are written only where there was a fault before", async () => {
    const {
      world,
      processes: [one, other],
      turn,
    } = processes(2, { createsPerMinute: 600 });
    await one?.take(turn("a"));
    await one?.report("replicate", "a", "reached");
    expect(world.store.writes()).toBe(1);
    await other?.report("replicate", "b", "fault");
    expect((await world.store.read("replicate"))?.faults).toBe(1);
    world.nowMs += LEASE_MS;
    await one?.take(turn("c"));
    await one?.report("replicate", "c", "reached");
    expect((await world.store.read("replicate"))?.faults).toBe(0);
  });

  test("of many processes at once all count: the breaker opens, and one of forty tries afterwards", async () => {
    const { world, processes: all, turn } = processes(5, { createsPerMinute: 600 });
    await Promise.all(all.map((pacing, index) => pacing.report("replicate", `f${index}`, "fault")));
    const asked = () => Promise.all(all.map((pacing, index) => pacing.take(turn(`a${index}`))));
    expect((await asked()).map(({ kind }) => kind)).toEqual(Array(5).fill("closed"));
    world.nowMs += 30_000;
    expect((await asked()).filter(({ kind }) => kind === "go")).toHaveLength(1);
  });
});

describe("at a provider that counts strictly", () => {
  const load = {
    creates: 600,
    createsPerMinute: 600,
    skewsMs: [0, 0],
    concurrency: 10,
    lane: "interactive",
    seed: 1,
    jobMs: [300, 700],
    storeMs: [3, 15],
    wireMs: [20, 200],
  } as const;

  test.each([
    ["two workers", {}],
    ["clocks 600 ms apart", { skewsMs: [-300, 300] }],
    [
      "the plan's lane, 40 images at once, clocks apart",
      {
        lane: "plan",
        concurrency: 40,
        jobMs: [1_000, 4_000],
        skewsMs: [-300, 300],
      },
    ],
  ] as const)(
    "600 images at 600 a minute take at most 1.02 minutes, without one 429: %s",
    async (_, change) => {
      const run = await runLoad({ ...load, ...change });
      expect(run.rateLimited).toBe(0);
      expect(run.makespanRatio).toBeLessThanOrEqual(1.02);
    },
  );

  test("whatever the limit, the window, the workers and their clocks: never a 429, and nobody starves", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          createsPerMinute: fc.constantFrom(1, 2, 7, 24, 60, 90, 300, 600),
          windowSeconds: fc.constantFrom(10, 60),
          skewsMs: fc.array(fc.integer({ min: -300, max: 300 }), { minLength: 1, maxLength: 4 }),
          concurrency: fc.integer({ min: 1, max: 12 }),
          lane: fc.constantFrom<Lane>("plan", "interactive"),
          seed: fc.nat(1_000_000),
          creates: fc.integer({ min: 1, max: 120 }),
        }),
        async (given) => {
          const createsPerMinute = Math.max(given.createsPerMinute, 60 / given.windowSeconds);
          const run = await runLoad({ ...load, ...given, createsPerMinute });
          expect(run.rateLimited).toBe(0);
          expect(run.arrivedAtMs).toHaveLength(given.creates);
        },
      ),
      { numRuns: 40 },
    );
  });
});
