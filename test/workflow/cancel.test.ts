/** @module Cancelling a request at every point of its way: nothing more is bought, and the books close on what was charged. */
import { proveBudget } from "@atelier/core/budget-verify";
import { cancelImage, cancelRequest } from "@atelier/core/cancel";
import { reconcileLedgers } from "@atelier/core/reconcile";
import { reconcileAttempts } from "@atelier/core/reconcile-attempts";
import { plan } from "@atelier/core/workflow/steps/plan";
import { validate } from "@atelier/core/workflow/steps/validate";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ended } from "../builders/flows.ts";
import { type MemoryTables, startMemoryTables } from "../builders/memory-table.ts";
import { startWorld, type World } from "../builders/world.ts";

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

const creates = () =>
  world.replicate.requests.filter(({ method, path }) => method === "POST" && path === "/v1/predictions");
const cancels = () => world.replicate.requests.filter(({ path }) => path.endsWith("/cancel"));
async function theRequest() {
  const request = await world.steps.requests.get("req_contract");
  if (!request) throw new Error("There is no request.");
  return request;
}
const statuses = async () => (await world.steps.images.ofRequest("req_contract")).map(({ status }) => status);

async function booksClose(): Promise<number> {
  for (let round = 0; round < 4; round++) {
    await world.advance(5_000);
    await reconcileAttempts(world.reconciling);
  }
  await reconcileLedgers(world.reconciling);
  const proof = await proveBudget(
    {
      account: "real",
      month: "2026-11",
      providers: ["replicate"],
      monthStartMs: 0,
      today: "2026-11-22",
      nowMs: world.clock(),
    },
    world.steps,
  );
  expect(proof).toMatchObject({ isProved: true, leakedHolds: [] });
  const month = proof.counters.find(({ scope }) => scope === "month");
  expect(month?.heldMicros ?? 0).toBe(0);
  return month?.spentMicros ?? 0;
}

describe("cancelling", () => {
  test("before anything runs: nothing is bought, and whoever starts it finds nothing to do", async () => {
    await world.planned({ count: 3 });
    const report = await cancelRequest(await theRequest(), world.steps);
    expect(report.cancelled).toHaveLength(3);
    expect(await statuses()).toStrictEqual(["cancelled", "cancelled", "cancelled"]);
    expect(world.events.map(({ type }) => type)).toStrictEqual(Array(3).fill("image-cancelled"));
    const again = await plan(
      {
        input: { requestId: "req_contract", part: 0, generation: 1 },
        executionId: "req_contract.0-1",
        executionName: "req_contract.0-1",
      },
      world.steps,
    );
    expect(again).toStrictEqual({ items: [] });
    expect(await booksClose()).toBe(0);
    expect(creates()).toHaveLength(0);
  });

  test("between its mark and its images: the plan that puts them meanwhile cancels them", async () => {
    await world.planned({ count: 1 });
    const request = await theRequest();
    await world.steps.requests.patch("req_contract", { set: { cancelledAtMs: world.clock() }, when: [] });
    const items = await plan(
      {
        input: { requestId: request.requestId, part: 0, generation: 1 },
        executionId: "req_contract.0-1",
        executionName: "req_contract.0-1",
      },
      world.steps,
    );
    expect(items).toStrictEqual({ items: [] });
    expect(await statuses()).toStrictEqual(["cancelled"]);
  });

  test("with money set aside: the hold is given back", async () => {
    const [image] = await world.planned();
    if (!image) throw new Error("No image.");
    await validate(image, world.steps);
    expect((await world.row()).openHolds).toBe(1);
    const report = await cancelImage(await world.image(image.imageId), world.steps);
    expect(report.running).toStrictEqual([]);
    expect((await world.row()).openHolds).toBe(0);
    await expect(validate(image, world.steps)).rejects.toMatchObject({ name: "ImageTerminal" });
    expect(await booksClose()).toBe(0);
  });

  test("while a job runs: it is stopped at the provider, and what it cost is booked", async () => {
    const executions = await world.start();
    await expect
      .poll(async () => (await world.steps.attempts.get("img_contract_00000-1"))?.operation, {
        timeout: 20_000,
      })
      .toBeTruthy();
    await world.advance(500);
    const report = await cancelRequest(await theRequest(), world.steps);
    expect(report).toMatchObject({ cancelled: [{ status: "cancelled" }], running: [{ state: "submitted" }] });
    expect(cancels()).toHaveLength(1);
    await ended(world, executions, () => reconcileAttempts(world.reconciling).then(() => undefined));
    const spent = await booksClose();
    const attempt = await world.attempt("img_contract_00000-1");
    expect(attempt.outcome).toMatchObject({ kind: "failed" });
    expect(spent).toBe(attempt.settledMicros);
    expect(creates()).toHaveLength(1);
    expect(await statuses()).toStrictEqual(["cancelled"]);
  });

  test("what had ended stays as it was, however often it is cancelled", async () => {
    const executions = await world.start();
    await ended(world, executions);
    expect(await statuses()).toStrictEqual(["completed"]);
    expect(await cancelRequest(await theRequest(), world.steps)).toStrictEqual({
      cancelled: [],
      running: [],
    });
    expect(await statuses()).toStrictEqual(["completed"]);
  });
});
