/** @module A picture whose run died after it was made: kept within a minute all the same, before its provider deletes it. */
import { KEEP_AFTER_MS } from "@atelier/core/overdue";
import { reconcileAttempts } from "@atelier/core/reconcile-attempts";
import { abandon } from "@atelier/core/workflow/steps/abandon";
import { collect } from "@atelier/core/workflow/steps/collect";
import { validate } from "@atelier/core/workflow/steps/validate";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { held } from "../builders/flows.ts";
import { type MemoryTables, startMemoryTables } from "../builders/memory-table.ts";
import { startWorld, type World } from "../builders/world.ts";
import { TEST_JOB_MS } from "../simulators/replicate.ts";

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

/** Bought, and told by its webhook; then nobody goes on with it. */
async function made() {
  const input = await held(world);
  const run = world.generating(input);
  await run.sent;
  await world.advance(TEST_JOB_MS);
  expect(await run.answered).toBe("ok");
  return input;
}

test("the reconciler keeps it, verified, within a minute of its completion", async () => {
  const { attemptId } = await made();
  await reconcileAttempts(world.reconciling);
  expect((await world.attempt(attemptId)).stored).toStrictEqual([]);
  await world.advance(KEEP_AFTER_MS);
  await reconcileAttempts(world.reconciling);
  const { stored, storedAtMs, outcome } = await world.attempt(attemptId);
  expect(stored).toHaveLength(1);
  const [output] = stored;
  expect((await world.steps.blobs.get(output?.key ?? ""))?.head.sha256).toBe(output?.sha256);
  expect((storedAtMs ?? 0) - (outcome?.atMs ?? 0)).toBeLessThanOrEqual(60_000);
});

test("a picture that is gone stops nothing; its own run says so in the end", async () => {
  world.replicate.sandbox().faults.add({ kind: "output", as: "missing", times: null });
  const { attemptId } = await made();
  await world.advance(KEEP_AFTER_MS);
  await reconcileAttempts(world.reconciling);
  expect(await world.attempt(attemptId)).toMatchObject({ stored: [], outcome: { kind: "succeeded" } });
});

test("the run that comes back finds it kept, and fetches nothing again", async () => {
  const input = await made();
  await world.advance(KEEP_AFTER_MS);
  const asked = world.replicate.requests.length;
  await reconcileAttempts(world.reconciling);
  const fetched = world.replicate.requests.length;
  expect(fetched).toBeGreaterThan(asked);
  await collect(input, world.steps);
  expect(world.replicate.requests.length).toBe(fetched);
});

test("what was not bought in its time is not bought by a run that comes late", async () => {
  const input = await held(world);
  await world.advance((await world.image(input.imageId)).deadlineAtMs - world.clock());
  await expect(validate(input, world.steps)).rejects.toMatchObject({ name: "DeadlineExceeded" });
  await abandon({ ...input, error: { Error: "DeadlineExceeded", Cause: "" } }, world.steps);
  expect(await world.image(input.imageId)).toMatchObject({ status: "failed", costMicros: 0 });
  expect((await world.row()).openHolds).toBe(0);
});
