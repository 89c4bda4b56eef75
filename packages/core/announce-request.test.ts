import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type MemoryTables, startMemoryTables } from "../../test/builders/memory-table.ts";
import { partsPass } from "../../test/builders/parts.ts";
import { startWorld, type World } from "../../test/builders/world.ts";
import type { ImageStatus } from "./image.ts";
import { reconcileParts } from "./reconcile-parts.ts";

let tables: MemoryTables;
let world: World;
beforeAll(async () => {
  tables = await startMemoryTables();
});
afterAll(() => tables.close());
beforeEach(async () => {
  world = await startWorld(await tables.table());
});
afterEach(() => world.close());

/** A publisher that is killed by its first so many events of the type. */
const deps = (kills = 0) => ({
  ...world.reconciling,
  workflow: {
    ...world.reconciling.workflow,
    describe: async () => "ended" as const,
    start: async () => "started" as const,
  },
  events: {
    publish: async (event: Parameters<typeof world.reconciling.events.publish>[0]) => {
      if (event.type === "request-completed" && kills-- > 0) throw new Error("killed");
      await world.reconciling.events.publish(event);
    },
  },
});
const SCOPE = { only: null, restart: false };
const pass = () => partsPass(SCOPE, deps(0));
const told = () => world.events.filter(({ type }) => type === "request-completed");

async function ended(statuses: readonly ImageStatus[]): Promise<void> {
  const images = await world.planned({ count: statuses.length });
  for (const [index, { imageId }] of images.entries()) {
    const set = { status: statuses[index] ?? "failed", costMicros: 1_000, finishedAtMs: world.clock() };
    await world.steps.images.patch(imageId, { set, when: [] });
  }
}

test("the end of the last image is the end of the request, told once with how it went", async () => {
  await ended(["completed", "failed"]);
  await pass();
  await pass();
  expect(told()).toHaveLength(1);
  expect(told()[0]).toMatchObject({
    atMs: world.clock(),
    detail: {
      request_id: "req_contract",
      status: "completed",
      count: 2,
      progress: { completed: 1, failed: 1, planned: 0 },
      cost: 0.002,
    },
  });
});

test("not while an image is open", async () => {
  await ended(["completed", "generating"]);
  await pass();
  expect(told()).toStrictEqual([]);
});

test("killed while telling: the part stays open, and the next pass tells it", async () => {
  await ended(["failed"]);
  expect((await reconcileParts(SCOPE, deps(1))).failed).toMatchObject([
    { message: expect.stringContaining("killed") },
  ]);
  expect((await world.steps.requests.parts.get("req_contract.0"))?.open).toBe(true);
  await pass();
  expect(told()).toMatchObject([{ detail: { status: "failed" } }]);
});
