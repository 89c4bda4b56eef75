/** @module Outcome meets token, in every order: one create, one outcome, one answer. */
import type { Attempt } from "@atelier/core/attempt";
import {
  GIVE_UP_MS,
  LATE_CHECK_INTERVAL_MS,
  reconcileAttempts,
  SUBMITTING_MAX_MS,
} from "@atelier/core/reconcile-attempts";
import { abandon } from "@atelier/core/workflow/steps/abandon";
import { validate } from "@atelier/core/workflow/steps/validate";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { booksOf, expectedBooks } from "../builders/books.ts";
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

const creates = () => world.replicate.sandbox().creates();
const answered = () => world.answers.filter(({ said }) => said === "answered");
const faults = (...given: Parameters<ReturnType<World["replicate"]["sandbox"]>["faults"]["add"]>) =>
  world.replicate.sandbox().faults.add(...given);
const timedOut = { Error: "States.Timeout", Cause: "No answer within the time-out." };

async function reconciledAfter(ms: number) {
  await world.advance(ms);
  return reconcileAttempts(world.reconciling);
}

async function expectBooks(imageId: string) {
  await reconcileAttempts(world.reconciling);
  const attempts = await world.steps.attempts.ofImage(imageId);
  const open = attempts.filter(({ settledMicros }) => settledMicros === null);
  expect(booksOf(await world.row())).toEqual(
    expectedBooks(
      "2026-11",
      attempts,
      open.map(({ attemptId }) => attemptId),
    ),
  );
}

/** Does something just before the first write that fits. */
function before(fits: (set: Partial<Attempt>) => boolean, act: () => Promise<unknown>): void {
  const { attempts } = world.steps;
  const { patch } = attempts;
  let done = false;
  Object.assign(attempts, {
    patch: async (...call: Parameters<typeof patch>) => {
      if (!done && fits(call[1].set)) {
        done = true;
        await act();
      }
      return patch(...call);
    },
  });
}

describe("the outcome", () => {
  test("comes by webhook: the token is answered once and the job noted", async () => {
    const input = await held(world);
    const { sent, answered: answer } = world.generating(input);
    expect(await sent).toBeUndefined();
    expect(await world.attempt(input.attemptId)).toMatchObject({ state: "submitted", outcome: null });
    await world.advance(TEST_JOB_MS);
    expect(await answer).toBe("ok");
    expect(await world.attempt(input.attemptId)).toMatchObject({
      state: "succeeded",
      outcome: { kind: "succeeded" },
    });
    expect(world.answers).toHaveLength(1);
    expect(creates()).toHaveLength(1);
  });

  test("comes before the submitter has noted its job: nothing is overwritten", async () => {
    const input = await held(world);
    before(
      (set) => set.submittedAtMs !== undefined && set.submittedAtMs !== null,
      () => world.advance(TEST_JOB_MS),
    );
    const { sent, answered: answer } = world.generating(input);
    expect(await sent).toBeUndefined();
    expect(await answer).toBe("ok");
    const attempt = await world.attempt(input.attemptId);
    expect(attempt).toMatchObject({ state: "succeeded", outcome: { kind: "succeeded" } });
    expect(attempt.operation).toContain(creates()[0]?.predictionId);
    expect(answered()).toHaveLength(1);
  });

  test("comes before the token of a run that took over: answered at once", async () => {
    const input = await held(world);
    const first = world.generating(input, 0.03);
    await first.sent;
    expect(await first.answered).toBe("States.Timeout");
    await world.advance(TEST_JOB_MS);
    expect(answered()).toHaveLength(0);
    const second = world.generating(input);
    expect(await second.answered).toBe("ok");
    expect(creates()).toHaveLength(1);
    expect(answered()).toHaveLength(1);
  });

  test("comes after the token timed out: the image waits, and is not bought again", async () => {
    const input = await held(world);
    const run = world.generating(input, 0.03);
    await run.sent;
    expect(await run.answered).toBe("States.Timeout");
    await abandon({ ...input, error: timedOut }, world.steps);
    expect(await world.image(input.imageId)).toMatchObject({ status: "unknown", failure: null });
    expect((await world.row()).holds[input.attemptId]).toBe(20_000);
    await world.advance(TEST_JOB_MS);
    expect(await validate(input, world.steps)).toEqual({ attemptId: input.attemptId });
    expect(await world.generating(input).answered).toBe("ok");
    expect(creates()).toHaveLength(1);
  });

  test("comes between the time-out and the abandon: the picture that was paid for is not thrown away", async () => {
    const input = await held(world);
    const run = world.generating(input, 0.03);
    await run.sent;
    expect(await run.answered).toBe("States.Timeout");
    await world.advance(TEST_JOB_MS);
    await abandon({ ...input, error: timedOut }, world.steps);
    expect((await world.image(input.imageId)).status).toBe("generating");
    expect(await validate(input, world.steps)).toEqual({ attemptId: input.attemptId });
    expect(await world.generating(input).answered).toBe("ok");
  });

  test("comes twice: taken in once", async () => {
    faults({ kind: "webhook", as: "duplicated" });
    const input = await held(world);
    const run = world.generating(input);
    await run.sent;
    await world.advance(TEST_JOB_MS);
    expect(await run.answered).toBe("ok");
    const first = await world.attempt(input.attemptId);
    expect(world.answers).toHaveLength(1);
    await reconciledAfter(60_000);
    expect((await world.attempt(input.attemptId)).outcome).toEqual(first.outcome);
    expect(answered()).toHaveLength(1);
  });

  test.each(["wrong-signature", "old-stamp", "lost"] as const)(
    "with a webhook that is %s: the reconciler asks",
    async (as) => {
      faults({ kind: "webhook", as });
      const input = await held(world);
      const run = world.generating(input);
      await run.sent;
      await world.advance(TEST_JOB_MS);
      expect(await world.attempt(input.attemptId)).toMatchObject({ state: "submitted", outcome: null });
      expect(world.answers).toEqual([]);
      expect(await reconciledAfter(2_000)).toMatchObject({ learned: 1 });
      expect(await run.answered).toBe("ok");
      expect(await reconciledAfter(2_000)).toMatchObject({ learned: 0 });
      expect(answered()).toHaveLength(1);
      expect(creates()).toHaveLength(1);
    },
  );

  test("comes for the newest token: that one is answered", async () => {
    const input = await held(world);
    const old = world.generating(input, 0.2);
    await old.sent;
    const generation = 2;
    await world.steps.images.patch(input.imageId, { set: { generation }, when: [] });
    await world.steps.attempts.patch(input.attemptId, { set: { generation }, when: [] });
    const current = world.generating({ ...input, generation });
    expect(await current.sent).toBeUndefined();
    await world.advance(TEST_JOB_MS);
    expect(await current.answered).toBe("ok");
    expect(await old.answered).toBe("States.Timeout");
    expect(answered()).toHaveLength(1);
    expect(creates()).toHaveLength(1);
  });

  test("meets a token that is replaced while it is answered: the newer one is answered", async () => {
    const input = await held(world);
    const old = world.generating(input, 0.03);
    await old.sent;
    expect(await old.answered).toBe("States.Timeout");
    const { attempts } = world.steps;
    const { patch } = attempts;
    let current: ReturnType<World["generating"]> | undefined;
    // The outcome's writer sees the old token; by the time it answers, a newer one stands.
    Object.assign(attempts, {
      patch: async (...call: Parameters<typeof patch>) => {
        const patched = await patch(...call);
        if (call[1].set.outcome && !current) {
          current = world.generating(input);
          await current.sent;
        }
        return patched;
      },
    });
    await world.advance(TEST_JOB_MS);
    expect(await current?.answered).toBe("ok");
    expect(answered()).toHaveLength(1);
  });
});

describe("a create whose answer was lost", () => {
  test("is found by its webhook", async () => {
    faults({ kind: "reset", accepted: true });
    const input = await held(world);
    const run = world.generating(input);
    await run.sent;
    expect(await world.attempt(input.attemptId)).toMatchObject({ state: "submitting", operation: null });
    await world.advance(TEST_JOB_MS);
    expect(await run.answered).toBe("ok");
    const attempt = await world.attempt(input.attemptId);
    expect(attempt.operation).toContain(creates()[0]?.predictionId);
    expect(creates()).toHaveLength(1);
    expect(answered()).toHaveLength(1);
  });

  test.each(["reset", "status", "malformed"] as const)(
    "by %s is found by listing, after the grace and not before",
    async (kind) => {
      faults(
        kind === "malformed"
          ? { kind }
          : kind === "reset"
            ? { kind, accepted: true }
            : { kind, status: 502, accepted: true },
        { kind: "webhook", as: "lost" },
      );
      const input = await held(world);
      const run = world.generating(input);
      await run.sent;
      await reconciledAfter(TEST_JOB_MS);
      expect(await world.attempt(input.attemptId)).toMatchObject({ state: "reconciling", operation: null });
      await reconciledAfter(4_900);
      expect(await world.attempt(input.attemptId)).toMatchObject({ state: "reconciling", operation: null });
      await reconciledAfter(100);
      expect(await run.answered).toBe("ok");
      expect(await world.attempt(input.attemptId)).toMatchObject({ state: "succeeded" });
      expect(creates()).toHaveLength(1);
      expect(answered()).toHaveLength(1);
    },
  );

  test("is not looked for while its submitter may still send", async () => {
    const input = await held(world);
    await world.steps.attempts.patch(input.attemptId, {
      set: { state: "submitting", nonce: "n", submitter: "p2", submittingAtMs: world.clock() },
      when: [],
    });
    world.alive.add("p2");
    await reconciledAfter(60_000);
    expect(await world.attempt(input.attemptId)).toMatchObject({ state: "submitting" });
    world.alive.delete("p2");
    await reconciledAfter(0);
    expect(await world.attempt(input.attemptId)).toMatchObject({ state: "reconciling" });
  });

  test("that never arrived fails over to a new attempt, with the same model", async () => {
    faults({ kind: "reset" });
    const input = await held(world);
    const run = world.generating(input);
    await run.sent;
    await reconciledAfter(0);
    await reconciledAfter(5_000);
    expect(await run.answered).toBe("FailOver");
    expect(await world.attempt(input.attemptId)).toMatchObject({
      outcome: { kind: "failed", name: "NotCreated", charged: false },
    });
    const { attemptId } = await validate(input, world.steps);
    expect(attemptId).toBe(`${input.imageId}-2`);
    expect(await world.attempt(input.attemptId)).toMatchObject({ settledMicros: 0, ledgerApplied: true });
    const second = world.generating({ ...input, attemptId });
    await second.sent;
    await world.advance(TEST_JOB_MS);
    expect(await second.answered).toBe("ok");
    const [one, other] = [await world.attempt(input.attemptId), await world.attempt(attemptId)];
    expect(other.model).toBe(one.model);
    expect(other.seed).not.toBe(one.seed);
    expect(creates().map(({ seed }) => seed)).toEqual([one.seed, other.seed]);
    expect(creates().filter(({ predictionId }) => predictionId !== null)).toHaveLength(1);
    await expectBooks(input.imageId);
  });

  test("of a submitter that lives but has forgotten it is looked for in the end", async () => {
    const input = await held(world);
    await world.steps.attempts.patch(input.attemptId, {
      set: { state: "submitting", nonce: "n", submitter: "p1", submittingAtMs: world.clock() },
      when: [],
    });
    await reconciledAfter(SUBMITTING_MAX_MS);
    await reconciledAfter(5_000);
    expect(await world.attempt(input.attemptId)).toMatchObject({ outcome: { name: "NotCreated" } });
  });
});

describe("a call that nobody can tell about", () => {
  /** Submitted, and from then on the provider is silent. */
  async function silent() {
    faults(
      { kind: "webhook", as: "lost" },
      { kind: "status", on: "get", status: 503, times: null },
      { kind: "status", on: "list", status: 503, times: null },
    );
    const input = await held(world);
    const run = world.generating(input);
    await run.sent;
    return { input, run };
  }

  test("is booked as charged after 50 minutes, and not bought again", async () => {
    const { input, run } = await silent();
    await reconciledAfter(GIVE_UP_MS - 1_000);
    expect(await world.attempt(input.attemptId)).toMatchObject({ state: "submitted", settledMicros: null });
    await reconciledAfter(3_000);
    expect(await world.attempt(input.attemptId)).toMatchObject({
      state: "unknown",
      settledMicros: 20_000,
      ledgerApplied: true,
    });
    expect(await run.answered).toBe("OutcomeUnknown");
    await abandon({ ...input, error: { Error: "OutcomeUnknown" } }, world.steps);
    expect((await world.image(input.imageId)).status).toBe("unknown");
    await expect(validate(input, world.steps)).rejects.toMatchObject({ name: "OutcomeUnknown" });
    expect((await world.row()).remaining.m).toBe(20_000_000 - 20_000);
    expect(creates()).toHaveLength(1);
  });

  test("also when the create's answer was lost and no listing can be had", async () => {
    faults({ kind: "reset", accepted: true });
    const { input, run } = await silent();
    await reconciledAfter(1_000);
    await reconciledAfter(GIVE_UP_MS);
    expect(await world.attempt(input.attemptId)).toMatchObject({ state: "unknown", settledMicros: 20_000 });
    expect(await run.answered).toBe("OutcomeUnknown");
  });

  test("is taken in when it turns out to have succeeded, at the price that was booked", async () => {
    const { input } = await silent();
    await reconciledAfter(GIVE_UP_MS + 3_000);
    await abandon({ ...input, error: { Error: "OutcomeUnknown" } }, world.steps);
    world.replicate.sandbox().faults.clear();
    await reconciledAfter(LATE_CHECK_INTERVAL_MS);
    expect(await world.attempt(input.attemptId)).toMatchObject({
      state: "succeeded",
      settledMicros: 20_000,
      correctionMicros: null,
    });
    expect(await validate(input, world.steps)).toEqual({ attemptId: input.attemptId });
    expect(await world.generating(input).answered).toBe("ok");
    await expectBooks(input.imageId);
  });

  test("is settled by the next pass when the one that gave it up died in between", async () => {
    const { input, run } = await silent();
    before(
      (set) => set.settledMicros !== undefined,
      async () => {
        throw new Error("killed");
      },
    );
    await expect(reconciledAfter(GIVE_UP_MS + 3_000)).rejects.toThrow("killed");
    expect(await world.attempt(input.attemptId)).toMatchObject({ state: "unknown", settledMicros: null });
    await reconciledAfter(1_000);
    expect(await world.attempt(input.attemptId)).toMatchObject({
      settledMicros: 20_000,
      ledgerApplied: true,
    });
    expect(await run.answered).toBe("OutcomeUnknown");
  });

  test("answers the newest token, and tells a run that comes later at once", async () => {
    const { input, run } = await silent();
    let current: ReturnType<World["generating"]> | undefined;
    before(
      (set) => set.state === "unknown",
      async () => {
        current = world.generating(input);
        await current.sent;
      },
    );
    await reconciledAfter(GIVE_UP_MS + 3_000);
    expect(await current?.answered).toBe("OutcomeUnknown");
    expect(await world.generating(input).answered).toBe("OutcomeUnknown");
    void run;
  });

  test("stays on the reconciler's list although its submitter wakes up and notes the job", async () => {
    const input = await held(world);
    faults({ kind: "webhook", as: "lost" });
    before(
      (set) => set.submittedAtMs !== undefined && set.submittedAtMs !== null,
      async () => {
        faults({ kind: "status", on: "list", status: 503, times: null });
        world.alive.delete("p1");
        await reconciledAfter(1_000);
        await reconciledAfter(GIVE_UP_MS);
        expect(await world.attempt(input.attemptId)).toMatchObject({ state: "unknown" });
      },
    );
    await world.generating(input).sent;
    world.replicate.sandbox().faults.clear();
    await reconciledAfter(LATE_CHECK_INTERVAL_MS);
    expect(await world.attempt(input.attemptId)).toMatchObject({ state: "succeeded" });
  });
});

describe("a failure of the submitting function", () => {
  test("before the call gives the right back: the same attempt is sent, once", async () => {
    const input = await held(world);
    const { write } = world.steps.audit;
    let failing = true;
    Object.assign(world.steps.audit, {
      write: async (...call: Parameters<typeof write>) => {
        if (failing && call[0].kind === "bought") throw new Error("the table is away");
        return write(...call);
      },
    });
    const first = world.generating(input);
    await first.sent;
    expect(await first.answered).toBe("Error");
    expect(creates()).toHaveLength(0);
    failing = false;
    const second = world.generating(input);
    await second.sent;
    await world.advance(TEST_JOB_MS);
    expect(await second.answered).toBe("ok");
    expect(creates()).toHaveLength(1);
  });

  test("after the call leaves the job to webhook and listing", async () => {
    const input = await held(world);
    faults({ kind: "webhook", as: "lost" });
    before(
      (set) => set.submittedAtMs !== undefined && set.submittedAtMs !== null,
      async () => {
        throw new Error("the table is away");
      },
    );
    const first = world.generating(input);
    await first.sent;
    expect(await first.answered).toBe("Error");
    const second = world.generating(input);
    await second.sent;
    await reconciledAfter(TEST_JOB_MS);
    await reconciledAfter(5_000);
    expect(await second.answered).toBe("ok");
    expect(creates()).toHaveLength(1);
  });
});
