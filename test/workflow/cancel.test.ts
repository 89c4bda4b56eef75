/** @module Cancelling a request at every point of its way: nothing more is bought, and the books close on what was charged. */
import { proveBudget } from "@atelier/core/budget-verify";
import { cancelImage, cancelRequest } from "@atelier/core/cancel";
import { AtelierError } from "@atelier/core/errors";
import { healthOf } from "@atelier/core/health";
import { reconcileLedgers } from "@atelier/core/reconcile";
import { reconcileAttempts } from "@atelier/core/reconcile-attempts";
import { abandon } from "@atelier/core/workflow/steps/abandon";
import { generate } from "@atelier/core/workflow/steps/generate";
import { plan } from "@atelier/core/workflow/steps/plan";
import { validate } from "@atelier/core/workflow/steps/validate";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ended, held } from "../builders/flows.ts";
import { type MemoryTables, startMemoryTables } from "../builders/memory-table.ts";
import { partsPass } from "../builders/parts.ts";
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

  test("of a job whose run is dead: settled by the reconciler, and its picture kept beside the image", async () => {
    const input = await held(world);
    const run = world.generating(input);
    await run.sent;
    // The provider does not hear of it: the job goes on and succeeds, and nobody follows its token any more.
    const deaf = (name: string) => {
      const provider = world.steps.providerOf(name);
      return provider && { ...provider, cancel: async () => undefined };
    };
    await cancelImage(await world.image(input.imageId), { ...world.steps, providerOf: deaf });
    await world.advance(TEST_JOB_MS);
    expect(await booksClose()).toBe(10_000);
    expect(await world.attempt(input.attemptId)).toMatchObject({
      settledMicros: 10_000,
      ledgerApplied: true,
    });
    const image = await world.image(input.imageId);
    expect(image).toMatchObject({ status: "cancelled", costMicros: 10_000 });
    expect(image.originals).toHaveLength(1);
  });

  test("of a picture that was made and not fetched yet: fetched, kept and booked", async () => {
    const input = await held(world);
    const run = world.generating(input);
    await run.sent;
    await world.advance(TEST_JOB_MS);
    expect(await run.answered).toBe("ok");
    await cancelImage(await world.image(input.imageId), world.steps);
    expect((await world.image(input.imageId)).originals).toHaveLength(1);
    expect(await booksClose()).toBe(10_000);
  });

  test("between the number of an attempt and the attempt: nothing is sent", async () => {
    const [image] = await world.planned();
    if (!image) throw new Error("No image.");
    const attempts: typeof world.steps.attempts = {
      ...world.steps.attempts,
      async putIfAbsent(attempt) {
        await cancelImage(await world.image(image.imageId), world.steps);
        return world.steps.attempts.putIfAbsent(attempt);
      },
    };
    const { attemptId } = await validate(image, { ...world.steps, attempts });
    await world.generating({ ...image, attemptId }).sent;
    expect(creates()).toHaveLength(0);
    expect(await booksClose()).toBe(0);
  });

  test("between winning and calling: nothing is sent", async () => {
    const input = await held(world);
    let isCancelled = false;
    const images: typeof world.steps.images = {
      ...world.steps.images,
      async patch(imageId, change) {
        if (change.set.status === "generating" && !isCancelled) {
          isCancelled = true;
          await cancelImage(await world.image(imageId), world.steps);
        }
        return world.steps.images.patch(imageId, change);
      },
    };
    await generate({ ...input, taskToken: "direct~none" }, { ...world.steps, images });
    expect(creates()).toHaveLength(0);
    expect(await booksClose()).toBe(0);
  });

  test("by its mark alone: no money is set aside, nothing is sent, and holds are given back", async () => {
    const [first, second] = await world.planned({ count: 2 });
    if (!first || !second) throw new Error("No images.");
    const { attemptId } = await validate(first, world.steps);
    await world.steps.requests.patch("req_contract", { set: { cancelledAtMs: world.clock() }, when: [] });
    const run = world.generating({ ...first, attemptId });
    await run.sent;
    expect(await run.answered).toBe("FailOver");
    expect(creates()).toHaveLength(0);
    await expect(validate(second, world.steps)).rejects.toMatchObject({ name: "ImageTerminal" });
    expect((await world.steps.attempts.ofImage(second.imageId)).length).toBe(0);
    await abandon({ ...first, error: { Error: "ImageTerminal" } }, world.steps);
    expect((await world.row()).openHolds).toBe(0);
    expect(await statuses()).toStrictEqual(["cancelled", "cancelled"]);
    expect(await booksClose()).toBe(0);
  });

  test("with money set aside and taken up again: no turn is waited for, and the hold is given back at once", async () => {
    const [image] = await world.planned();
    if (!image) throw new Error("No image.");
    await validate(image, world.steps);
    await world.steps.requests.patch("req_contract", { set: { cancelledAtMs: world.clock() }, when: [] });
    await expect(validate(image, world.steps)).rejects.toMatchObject({ name: "ImageTerminal" });
    await abandon({ ...image, error: { Error: "ImageTerminal" } }, world.steps);
    expect((await world.row()).openHolds).toBe(0);
    expect(await statuses()).toStrictEqual(["cancelled"]);
  });

  test("answers when its time is over; the reconciler cancels the rest, stops jobs, and tells of all", async () => {
    const images = await world.planned({ count: 30 });
    for (const image of images.slice(-3)) {
      const { attemptId } = await validate(image, world.steps);
      await world.generating({ ...image, attemptId }).sent;
    }
    // Each look at the clock takes half a second of the call's five.
    let nowMs = world.clock();
    const slow = { ...world.steps, clock: () => (nowMs += 500) };
    const report = await cancelRequest(await theRequest(), slow);
    // What runs is stopped before what has not begun is ended.
    expect(cancels()).toHaveLength(3);
    expect(report.running).toHaveLength(3);
    expect(report.cancelled.length).toBeLessThan(20);
    const left = (await statuses()).filter((status) => status === "planned");
    expect(left).toHaveLength(30 - report.cancelled.length);
    // Its owner runs: it is gone through all the same, and not told again what it was told.
    const running = {
      ...world.reconciling,
      workflow: { ...world.reconciling.workflow, describe: async () => "running" as const },
    };
    await partsPass({ only: null, restart: false }, running);
    expect(await statuses()).toStrictEqual(Array(30).fill("cancelled"));
    const told = world.events.length;
    await partsPass({ only: null, restart: false }, running);
    expect(world.events).toHaveLength(told);
    expect(cancels()).toHaveLength(3);
    await booksClose();
    expect(creates()).toHaveLength(3);
  });

  test("is not closed before the jobs of its cancelled images were told", async () => {
    const input = await held(world);
    await world.generating(input).sent;
    const request = await theRequest();
    const set = { cancelledAtMs: world.clock() };
    await world.steps.requests.patch(request.requestId, { set, when: [] });
    await world.steps.images.patch(input.imageId, { set: { status: "cancelled" }, when: [] });
    let nowMs = world.clock();
    const late = { ...world.reconciling, clock: () => (nowMs += 6_000) };
    expect(await partsPass({ only: null, restart: false }, late)).toMatchObject({
      closed: [],
      waiting: 1,
    });
    expect(cancels()).toHaveLength(0);
    expect(await partsPass({ only: null, restart: false }, world.reconciling)).toMatchObject({
      closed: [request.requestId],
    });
    expect(cancels()).toHaveLength(1);
  });

  test("goes through twenty images at once", async () => {
    await world.planned({ count: 30 });
    let [now, most] = [0, 0];
    const images: typeof world.steps.images = {
      ...world.steps.images,
      async patch(...call) {
        most = Math.max(most, ++now);
        try {
          return await world.steps.images.patch(...call);
        } finally {
          now--;
        }
      },
    };
    expect((await cancelRequest(await theRequest(), { ...world.steps, images })).cancelled).toHaveLength(30);
    expect(most).toBe(20);
  });

  test("again goes through no part that has ended", async () => {
    await world.planned({ count: 2 });
    await cancelRequest(await theRequest(), world.steps);
    await partsPass({ only: null, restart: false }, world.reconciling);
    const told = world.events.length;
    const images: typeof world.steps.images = {
      ...world.steps.images,
      ofPart: () => Promise.reject(new Error("A part was read.")),
    };
    const again = await cancelRequest(await theRequest(), { ...world.steps, images });
    expect(again).toStrictEqual({ cancelled: [], running: [] });
    expect(world.events).toHaveLength(told);
  });

  test("says nothing about the provider's health", async () => {
    await world.planned({ count: 5 });
    const images = await world.steps.images.ofRequest("req_contract");
    for (const image of images) {
      const { attemptId } = await validate(image, world.steps);
      await world.generating({ ...image, attemptId }).sent;
    }
    await cancelRequest(await theRequest(), world.steps);
    await booksClose();
    const attempts = await Promise.all(images.map(({ imageId }) => world.steps.attempts.ofImage(imageId)));
    expect(attempts.flat().every(({ outcome }) => outcome?.kind === "failed")).toBe(true);
    expect(healthOf(attempts.flat(), world.clock())).toStrictEqual([]);
  });

  test("again goes on where the first was cut off: jobs that were not told are told", async () => {
    const input = await held(world);
    const run = world.generating(input);
    await run.sent;
    const cut = {
      ...world.steps.attempts,
      ofImage: async () => Promise.reject(new AtelierError("StorageUnavailable", "Cut off.")),
    };
    const image = await world.image(input.imageId);
    await expect(cancelImage(image, { ...world.steps, attempts: cut })).rejects.toThrow("Cut off.");
    expect(cancels()).toHaveLength(0);
    await cancelImage(await world.image(input.imageId), world.steps);
    expect(cancels()).toHaveLength(1);
  });
});
