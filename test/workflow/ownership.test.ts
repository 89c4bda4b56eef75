/** @module Steps twice, two owners at once, and owners that are overtaken in the middle of a step. */
import { reconcileAttempts } from "@atelier/core/reconcile-attempts";
import { abandon } from "@atelier/core/workflow/steps/abandon";
import { collect } from "@atelier/core/workflow/steps/collect";
import { generate } from "@atelier/core/workflow/steps/generate";
import { IMAGE_DEADLINE_MS, plan } from "@atelier/core/workflow/steps/plan";
import { process } from "@atelier/core/workflow/steps/process";
import { record } from "@atelier/core/workflow/steps/record";
import { validate } from "@atelier/core/workflow/steps/validate";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { booksOf, expectedBooks } from "../builders/books.ts";
import { ended, finish, type HeldInput, held, takeOver } from "../builders/flows.ts";
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

const creates = () => world.replicate.sandbox().creates();
const unexpected = { Error: "Unexpected", Cause: "a test's failure" };

/** Has the picture of a held attempt made and answered. */
async function generated(input: HeldInput): Promise<void> {
  const run = world.generating(input);
  await run.sent;
  await world.advance(TEST_JOB_MS);
  expect(await run.answered).toBe("ok");
}

test("collect: an address of a provider that has moved on this machine is asked for anew", async () => {
  const input = await held(world);
  await generated(input);
  const { outcome } = await world.attempt(input.attemptId);
  if (outcome?.kind !== "succeeded") throw new Error("The attempt did not succeed.");
  const moved = {
    ...outcome,
    outputs: [{ kind: "url", url: "http://127.0.0.1:9/files/old/0.png" } as const],
  };
  await world.steps.attempts.patch(input.attemptId, { set: { outcome: moved }, when: [] });
  await collect(input, world.steps);
  expect((await world.attempt(input.attemptId)).stored).toHaveLength(1);
});

describe("abandon, with a picture that is there and paid for", () => {
  test.each([
    "Sandbox.Timedout",
    "Runtime.ExitError",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "States.Timeout",
    "ConfigurationInvalid",
    "Unexpected",
  ])("keeps it open after %s, and ends it at its deadline", async (name) => {
    const input = await held(world);
    await generated(input);
    const failed = { ...input, error: { Error: name, Cause: JSON.stringify({ errorMessage: "broken" }) } };
    await abandon(failed, world.steps);
    expect(await world.steps.images.get(input.imageId)).toMatchObject({
      status: "generating",
      failure: { message: "broken" },
    });
    expect((await world.attempt(input.attemptId)).settledMicros).toBeNull();
    await world.advance(IMAGE_DEADLINE_MS);
    await abandon(failed, world.steps);
    expect(await world.steps.images.get(input.imageId)).toMatchObject({ status: "failed" });
    expect((await world.attempt(input.attemptId)).settledMicros).toBeGreaterThan(0);
  });

  test("ends it when the picture is of no use", async () => {
    const input = await held(world);
    await generated(input);
    await abandon({ ...input, error: { Error: "OutputInvalid", Cause: "no picture" } }, world.steps);
    expect(await world.steps.images.get(input.imageId)).toMatchObject({
      status: "failed",
      failure: { name: "OutputInvalid" },
    });
  });
});

test.each(["Sandbox.Timedout", "Lambda.TooManyRequestsException"])(
  "abandon: %s before anything was sent leaves the image to the next run",
  async (name) => {
    const input = await held(world);
    await abandon({ ...input, error: { Error: name } }, world.steps);
    expect(await world.steps.images.get(input.imageId)).toMatchObject({ status: "held" });
    expect(await world.attempt(input.attemptId)).toMatchObject({ state: "held", outcome: null });
  },
);

describe("each step twice", () => {
  test("makes, buys, files and books once", async () => {
    const [image] = await world.planned();
    const { imageId } = image ?? { imageId: "" };
    expect(await world.planned()).toEqual([image]);
    const owned = { imageId, generation: 1 };
    const first = await validate(owned, world.steps);
    const heldRow = await world.row();
    expect(await validate(owned, world.steps)).toEqual(first);
    expect(await world.row()).toEqual(heldRow);

    const input = { ...owned, ...first };
    const run = world.generating(input);
    await run.sent;
    const again = world.generating(input);
    expect(await again.sent).toBeUndefined();
    expect(creates()).toHaveLength(1);
    await world.advance(TEST_JOB_MS);
    expect(await again.answered).toBe("ok");
    expect(await world.generating(input).answered).toBe("ok");

    await collect(input, world.steps);
    const collected = await world.attempt(input.attemptId);
    expect(collected.stored).toHaveLength(1);
    await collect(input, world.steps);
    expect(await world.attempt(input.attemptId)).toEqual(collected);

    const processed = await process(input, world.steps);
    await world.advance(1_000);
    expect(await process(input, world.steps)).toEqual(processed);

    await record({ ...input, ...processed }, world.steps);
    const done = await world.image(imageId);
    expect(done).toMatchObject({ status: "completed", costMicros: 10_000, chosenAttemptId: input.attemptId });
    const audit = await world.audit.ofSubject(imageId);
    await world.advance(1_000);
    await record({ ...input, ...processed }, world.steps);
    expect(await world.image(imageId)).toEqual(done);
    expect(await world.audit.ofSubject(imageId)).toEqual(audit);
    expect(audit.map(({ kind, phase }) => `${kind} ${phase}`)).toEqual([
      "decided done",
      "bought intended",
      "bought done",
      "released done",
    ]);
    expect(new Set(world.events.map(({ id }) => id)).size).toBe(1);
    await expect(validate(owned, world.steps)).rejects.toMatchObject({ name: "ImageTerminal" });
    await abandon({ ...owned, error: unexpected }, world.steps);
    expect(await world.image(imageId)).toEqual(done);
    expect(booksOf(await world.row())).toEqual(
      expectedBooks("2026-11", await world.steps.attempts.ofImage(imageId), []),
    );
  });

  test("abandon ends the image once, releases the hold and says why", async () => {
    const input = await held(world);
    await abandon({ ...input, error: unexpected }, world.steps);
    const failed = await world.image(input.imageId);
    expect(failed).toMatchObject({
      status: "failed",
      failure: { name: "Unexpected", message: "a test's failure" },
    });
    await abandon({ ...input, error: unexpected }, world.steps);
    expect(await world.image(input.imageId)).toEqual(failed);
    expect(booksOf(await world.row())).toEqual({ taken: {}, holds: {}, openHolds: 0 });
    const late = world.generating(input);
    expect(await late.answered).toBe("FailOver");
    expect(creates()).toHaveLength(0);
  });
});

describe("abandon, by the state of the attempt", () => {
  test.each(["submitting", "submitted", "reconciling"] as const)(
    "%s: the hold stays, the image waits",
    async (state) => {
      const input = await held(world);
      await world.steps.attempts.patch(input.attemptId, {
        set: { state, nonce: "n", submitter: "p1", submittingAtMs: world.clock() },
        when: [],
      });
      await abandon({ ...input, error: unexpected }, world.steps);
      expect(await world.image(input.imageId)).toMatchObject({ status: "unknown", finishedAtMs: null });
      expect(booksOf(await world.row())).toMatchObject({
        holds: { [input.attemptId]: 20_000 },
        openHolds: 1,
      });
      expect(await world.attempt(input.attemptId)).toMatchObject({
        state,
        outcome: null,
        settledMicros: null,
      });
    },
  );

  test("failed and charged: booked at the list price", async () => {
    world.replicate.sandbox().faults.add({ kind: "job", as: "nsfw" });
    const input = await held(world);
    const run = world.generating(input);
    await run.sent;
    await world.advance(TEST_JOB_MS);
    // Another provider may be asked, where its terms allow it; here there is none.
    expect(await run.answered).toBe("FailOver");
    await abandon({ ...input, error: { Error: "ContentRejected" } }, world.steps);
    expect(await world.image(input.imageId)).toMatchObject({ status: "failed", costMicros: 10_000 });
    expect(booksOf(await world.row())).toMatchObject({ taken: { m: 10_000 }, openHolds: 0 });
  });
});

describe("an owner that was taken over", () => {
  test("can do nothing any more, at any step", async () => {
    const input = await held(world);
    await takeOver(world, "req_contract", 2);
    const superseded = { name: "GenerationSuperseded" };
    await expect(validate(input, world.steps)).rejects.toMatchObject(superseded);
    await expect(generate({ ...input, taskToken: "old~1" }, world.steps)).rejects.toMatchObject(superseded);
    expect(await world.attempt(input.attemptId)).toMatchObject({ token: null, state: "held", generation: 2 });
    await generated({ ...input, generation: 2 });
    await expect(collect(input, world.steps)).rejects.toMatchObject(superseded);
    await collect({ ...input, generation: 2 }, world.steps);
    await expect(process(input, world.steps)).rejects.toMatchObject(superseded);
    const processed = await process({ ...input, generation: 2 }, world.steps);
    await expect(record({ ...input, ...processed }, world.steps)).rejects.toMatchObject(superseded);
    await abandon({ ...input, error: unexpected }, world.steps);
    expect((await world.image(input.imageId)).status).toBe("processing");
    await record({ ...input, ...processed, generation: 2 }, world.steps);
    expect((await world.image(input.imageId)).status).toBe("completed");
    expect(creates()).toHaveLength(1);
  });

  test("an execution under an old name gets nothing from plan", async () => {
    await world.planned({ count: 3 });
    await takeOver(world, "req_contract", 2);
    const old = {
      input: { requestId: "req_contract", part: 0, generation: 1 },
      executionId: "req_contract.0-1",
      executionName: "req_contract.0-1",
    };
    expect(await plan(old, world.steps)).toEqual({ items: [] });
    const others = { ...old, input: { ...old.input, generation: 2 } };
    expect(await plan({ ...others, executionName: "req_contract.0-other" }, world.steps)).toEqual({
      items: [],
    });
    const items = (await plan({ ...others, executionName: "req_contract.0-2" }, world.steps)).items;
    expect(items.map(({ generation }) => generation)).toEqual([2, 2, 2]);
  });

  /** Store calls whose turn comes in the middle of the old owner's step. */
  const STORES = { images: ["get", "patch"], attempts: ["get", "patch", "putIfAbsent", "ofImage"] } as const;

  /** Runs `step` again and again for new images; each time the new owner comes before another store call. */
  async function overtaken(
    prepare: (input: HeldInput) => Promise<unknown>,
    step: (input: HeldInput) => Promise<unknown>,
    { fromHold = true, stride = 1 } = {},
  ): Promise<number> {
    const originals = { images: { ...world.steps.images }, attempts: { ...world.steps.attempts } };
    let stopAt = 0;
    for (let reached = true; reached; stopAt += stride) {
      const requestId = `req_overtaken${stopAt}`;
      const [image] = fromHold ? [] : await world.planned({ requestId });
      const input = image
        ? { imageId: image.imageId, generation: 1, attemptId: "" }
        : await held(world, requestId);
      await prepare(input);
      let call = 0;
      let releasedBefore = false;
      reached = false;
      for (const store of ["images", "attempts"] as const) {
        for (const method of STORES[store]) {
          const original = Reflect.get(originals[store], method) as (...all: unknown[]) => Promise<unknown>;
          Reflect.set(world.steps[store], method, async (...all: unknown[]) => {
            if (call++ === stopAt) {
              reached = true;
              const standing = await originals.attempts.ofImage(input.imageId);
              releasedBefore = standing.some(({ outcome }) => outcome?.kind === "failed");
              await takeOver(world, requestId, 2);
            }
            return original(...all);
          });
        }
      }
      await step(input).catch((error: Error) => expect(error.name).toBe("GenerationSuperseded"));
      Object.assign(world.steps.images, originals.images);
      Object.assign(world.steps.attempts, originals.attempts);
      if (!reached) break;
      const before = creates().length;
      const { status } = await world.image(input.imageId);
      if (status !== "completed" && status !== "failed") await finish(world, input.imageId, 2);
      const after = await world.image(input.imageId);
      expect([after.status, after.generation]).toEqual([status === "failed" ? "failed" : "completed", 2]);
      // One create for the image, by whichever of the two.
      const own = await world.steps.attempts.ofImage(input.imageId);
      const sent = creates().filter(({ webhook }) => webhook?.includes(input.imageId));
      expect(sent.length).toBeLessThanOrEqual(1);
      expect(creates().length - before).toBeLessThanOrEqual(1);
      // What was not released before the new owner came is the one that it sends.
      expect(own).toHaveLength(releasedBefore && status !== "failed" ? 2 : 1);
    }
    return stopAt;
  }

  test("in the middle of validate", async () => {
    expect(
      await overtaken(
        async () => {},
        (input) => validate(input, world.steps),
        { fromHold: false },
      ),
    ).toBeGreaterThan(4);
  });

  test("in the middle of generate", async () => {
    expect(
      await overtaken(
        async () => {},
        (input) => generate({ ...input, taskToken: "old~1" }, world.steps),
      ),
    ).toBeGreaterThan(4);
  });

  test("in the middle of collect, process and record", async () => {
    expect(
      await overtaken(
        generated,
        async (input) => {
          await collect(input, world.steps);
          await record({ ...input, ...(await process(input, world.steps)) }, world.steps);
        },
        { stride: 2 },
      ),
    ).toBeGreaterThan(6);
  });

  test("in the middle of abandon: what the new owner is to send is not released", async () => {
    expect(
      await overtaken(
        async () => {},
        (input) => abandon({ ...input, error: unexpected }, world.steps),
      ),
    ).toBeGreaterThan(3);
  });
});

describe("images that were only partly made", () => {
  test("are completed by whoever plans the part again, under the same ids", async () => {
    const { images } = world.steps;
    const { putIfAbsent } = images;
    let puts = 0;
    Object.assign(images, {
      putIfAbsent: async (...call: Parameters<typeof putIfAbsent>) => {
        if (++puts > 2) throw new Error("killed");
        return putIfAbsent(...call);
      },
    });
    await expect(world.planned({ count: 5 })).rejects.toThrow("killed");
    Object.assign(images, { putIfAbsent });
    const some = await images.ofRequest("req_contract");
    expect(some.length).toBeLessThan(5);
    await takeOver(world, "req_contract", 2);
    const all = await images.ofRequest("req_contract");
    expect(all.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
    expect(all.map(({ generation }) => generation)).toEqual([2, 2, 2, 2, 2]);
    for (const image of some) expect(all).toContainEqual({ ...image, generation: 2 });
  });

  test("of a request whose start was cut off between its parts: each part puts the next", async () => {
    const { parts } = world.steps.requests;
    const { putIfAbsent } = parts;
    Object.assign(parts, {
      putIfAbsent: async (part: Parameters<typeof putIfAbsent>[0]) => {
        if (part.part > 0) throw new Error("killed");
        return putIfAbsent(part);
      },
    });
    await expect(world.planned({ count: 51, parts: 2 })).rejects.toThrow("killed");
    Object.assign(parts, { putIfAbsent });
    for (const part of [0, 1]) {
      const { started } = await partsPass(
        { only: null, restart: true },
        {
          ...world.reconciling,
          workflow: {
            ...world.reconciling.workflow,
            describe: async () => "ended",
            start: async () => "started",
          },
        },
      );
      const name = started.find((one) => one.startsWith(`req_contract.${part}-`)) ?? "";
      const generation = Number(name.slice(name.lastIndexOf("-") + 1));
      const input = { requestId: "req_contract", part, generation };
      const workflow = { start: async () => "started" as const };
      const { items } = await plan(
        { input, executionId: name, executionName: name },
        { ...world.steps, workflow },
      );
      expect(items).toHaveLength([50, 1][part] ?? 0);
    }
    expect(await parts.ofRequest("req_contract")).toHaveLength(2);
  });

  test("by an old owner that is still planning belong to the new one", async () => {
    const { images } = world.steps;
    const { putIfAbsent } = images;
    let first = true;
    // The new owner has listed the images; the old one puts the last of them only now.
    Object.assign(images, {
      putIfAbsent: async (image: Parameters<typeof putIfAbsent>[0]) => {
        if (image.generation === 2 && first) {
          first = false;
          await putIfAbsent({ ...image, generation: 1 });
        }
        return putIfAbsent(image);
      },
    });
    await world.planned({ count: 1, requestId: "req_other" });
    await world.steps.requests.putIfAbsent({ ...(await requestOf("req_other")), requestId: "req_contract" });
    await world.steps.requests.parts.putIfAbsent({
      requestId: "req_contract",
      part: 0,
      owner: null,
      generation: 1,
      open: true,
      createdAtMs: world.clock(),
      ended: null,
    });
    await takeOver(world, "req_contract", 2);
    expect((await images.ofRequest("req_contract")).map(({ generation }) => generation)).toEqual([2]);
  });

  async function requestOf(requestId: string) {
    const request = await world.steps.requests.get(requestId);
    if (!request) throw new Error(`There is no request ${requestId}.`);
    return request;
  }
});

describe("a killed process", () => {
  test("that had just completed an image leaves it findable by its tags", async () => {
    const input = await held(world);
    await generated(input);
    await collect(input, world.steps);
    const processed = await process(input, world.steps);
    const { patch } = world.steps.images;
    Object.assign(world.steps.images, {
      patch: async (...call: Parameters<typeof patch>) => {
        const patched = await patch(...call);
        if (call[1].set.status === "completed") throw new Error("killed");
        return patched;
      },
    });
    await expect(record({ ...input, ...processed }, world.steps)).rejects.toThrow("killed");
    const found = await world.steps.images.list({ tag: "still_life" }, { limit: 10 });
    expect(found.items.map(({ imageId }) => imageId)).toEqual([input.imageId]);
    expect(await world.steps.images.fingerprints("weekend_special", "", 10)).toHaveLength(1);
  });

  test("is followed by another, which reattaches to its job: bought once", async () => {
    const [name = ""] = await world.start({ count: 2 });
    while (creates().length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    world.replicate.sandbox().faults.add({ kind: "webhook", as: "lost" });
    // p1 is gone; its last steps run on in the void.
    world.alive.delete("p1");
    const next = world.machineOf("p2");
    world.alive.add("p2");
    const reconciling = { ...world.reconciling, workflow: { ...next, answer: world.steps.workflow.answer } };
    expect(await next.describe(name)).toBe("ended");
    const report = await partsPass({ only: null, restart: true }, reconciling);
    expect(report.started).toEqual(["req_contract.0-2"]);
    let over = false;
    const done = next.ended("req_contract.0-2").then(() => {
      over = true;
    });
    while (!over) {
      await world.advance(700);
      await reconcileAttempts(reconciling);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await done;
    const images = await world.steps.images.ofRequest("req_contract");
    expect(images.map(({ status }) => status)).toEqual(["completed", "completed"]);
    expect(creates()).toHaveLength(2);
    expect(new Set(creates().map(({ seed }) => seed)).size).toBe(2);
    expect(await partsPass({ only: null, restart: true }, reconciling)).toMatchObject({
      closed: ["req_contract"],
      started: [],
    });
    expect(booksOf(await world.row())).toMatchObject({ taken: { m: 20_000 }, holds: {}, openHolds: 0 });
  });

  test("two executions of one occurrence at once: one makes the images, the other ends", async () => {
    const input = { entry: "sunday", scheduledTime: "2026-11-22T05:00:00Z" };
    const other = world.machineOf("p2");
    world.alive.add("p2");
    await Promise.all([world.machine.start("sunday~a", input), other.start("sunday~b", input)]);
    await Promise.all([ended(world, ["sunday~a"]), other.ended("sunday~b")]);
    const images = (await world.steps.images.list({}, { limit: 10 })).items;
    expect(images.map(({ status }) => status)).toEqual(["completed", "completed"]);
    expect(creates()).toHaveLength(2);
  });
});
