/** @module What generate makes of pacing's answers, and what it tells of its creates: on the table, over the wire. */
import { createPacingStore } from "@atelier/aws/dynamo/pacing";
import type { ProviderLimits } from "@atelier/core/catalogue";
import { UNLIMITED } from "@atelier/core/pacing";
import { createPacing, jobRunning } from "@atelier/core/pacing-rounds";
import { JOB_DEADLINE_MS } from "@atelier/core/price";
import { validate } from "@atelier/core/workflow/steps/validate";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type HeldInput, held } from "../builders/flows.ts";
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

const creates = () => world.replicate.sandbox().creates().length;
const faults = (...given: Parameters<ReturnType<World["replicate"]["sandbox"]>["faults"]["add"]>) =>
  world.replicate.sandbox().faults.add(...given);
const row = () => createPacingStore(world.dynamo).read("replicate");

function limited(limits: Partial<ProviderLimits>) {
  const pacing = createPacing({
    store: createPacingStore(world.dynamo),
    clock: world.clock,
    limitsOf: () => ({ ...UNLIMITED, ...limits }),
    timezone: "UTC",
    isRunning: jobRunning(world.steps.attempts),
  });
  Object.assign(world.steps, { pacing });
}

/** Sends one create whose answer is lost. */
async function lost(name: string): Promise<void> {
  faults({ kind: "reset" });
  const input = await held(world, name);
  await world.generating(input).sent;
  expect((await world.attempt(input.attemptId)).state).toBe("submitting");
}

async function broken(): Promise<void> {
  for (const name of ["req_f1", "req_f2", "req_f3", "req_f4", "req_f5"]) await lost(name);
}

/** What the state machine was told last. */
function told(): { error: string; seconds?: number; errorType?: string } {
  const answer = world.answers.at(-1)?.answer;
  if (!answer || answer.ok) throw new Error("No failure was told.");
  return { error: answer.error, ...JSON.parse(answer.cause) };
}

async function answered(input: HeldInput): Promise<string> {
  const { sent, answered: answer } = world.generating(input);
  await sent;
  return answer;
}

describe("the breaker", () => {
  test("opens after five lost creates: the first attempt goes elsewhere, free of charge", async () => {
    await broken();
    const input = await held(world);
    expect(await answered(input)).toBe("FailOver");
    expect(told().errorType).toBe("ProviderResting");
    expect(creates()).toBe(5);
    const second = await validate(input, world.steps);
    const first = await world.attempt(input.attemptId);
    expect(first).toMatchObject({ state: "failed", settledMicros: 0, outcome: { charged: false } });
    expect(second.attemptId).not.toBe(input.attemptId);
    // There is no other provider here: now it is waited for.
    expect(await answered({ ...input, ...second })).toBe("Paced");
    expect(told().seconds).toBe(30);
    expect((await world.attempt(second.attemptId)).state).toBe("held");
  });

  test("lets one image try after its time, and its job's acceptance closes it", async () => {
    await broken();
    const inputs = [await held(world, "req_a"), await held(world, "req_b")] as const;
    await world.advance(30_000);
    const trying = world.generating(inputs[0]);
    await trying.sent;
    expect(creates()).toBe(6);
    expect(await row()).toMatchObject({ faults: 0, openUntilMs: 0, probe: null });
    await world.generating(inputs[1]).sent;
    expect(creates()).toBe(7);
    await world.advance(TEST_JOB_MS);
    expect(await trying.answered).toBe("ok");
  });

  test.each([
    ["KeyRefused", 401, "FailOver"],
    ["OutOfCredit", 402, "FailOver"],
  ])("%s opens it at once; nobody waits for what a person must mend", async (because, status, answer) => {
    faults({ kind: "status", status });
    await world.generating(await held(world, "req_refused")).sent;
    expect(await row()).toMatchObject({ openedBy: because });
    const input = await held(world);
    await world.steps.images.patch(input.imageId, { set: { wantedProvider: "replicate" }, when: [] });
    expect(await answered(input)).toBe(answer);
    expect((await world.attempt(input.attemptId)).outcome).toMatchObject({ name: because, charged: false });
    expect(creates()).toBe(1);
  });

  test("an image that insists on its provider or model waits", async () => {
    await broken();
    for (const [name, wanted] of [
      ["req_model", { wantedModel: "sdxl" }],
      ["req_provider", { wantedProvider: "replicate" }],
    ] as const) {
      const input = await held(world, name);
      await world.steps.images.patch(input.imageId, { set: wanted, when: [] });
      expect(await answered(input)).toBe("Paced");
      expect((await world.attempt(input.attemptId)).state).toBe("held");
    }
  });

  test("an attempt that somebody sends meanwhile is not ended", async () => {
    await broken();
    const input = await held(world);
    const { pacing } = world.steps;
    const take: typeof pacing.take = async (turn) => {
      await world.steps.attempts.patch(input.attemptId, { set: { state: "submitting" }, when: [] });
      return pacing.take(turn);
    };
    Object.assign(world.steps, { pacing: { ...pacing, take } });
    await world.generating(input).sent;
    expect(await world.attempt(input.attemptId)).toMatchObject({ state: "submitting", outcome: null });
    expect(world.answers).toHaveLength(0);
  });
});

describe("limits", () => {
  test("of the day: the next provider, free of charge, and when it resets", async () => {
    limited({ createsPerDay: 1 });
    await world.generating(await held(world, "req_first")).sent;
    const input = await held(world, "req_second");
    expect(await answered(input)).toBe("FailOver");
    expect(told().errorType).toBe("QuotaUsedUp");
    const { outcome } = await world.attempt(input.attemptId);
    expect(outcome).toMatchObject({ name: "QuotaUsedUp", charged: false });
    expect(outcome?.kind === "failed" && outcome.message).toMatch(
      /^The quota of 1 creates a day at replicate is used up; it resets at \d{4}-\d\d-\d\dT00:00:00Z\.$/,
    );
    expect(creates()).toBe(1);
  });

  test("of jobs at once: the place is free once the job has its outcome, and the job has its whole time", async () => {
    limited({ concurrent: 1 });
    const first = world.generating(await held(world, "req_first"));
    await first.sent;
    const second = await held(world, "req_second");
    expect(await answered(second)).toBe("Paced");
    expect(told().seconds).toBe(2);
    await world.advance(TEST_JOB_MS);
    expect(await first.answered).toBe("ok");
    await world.generating(second).sent;
    expect(creates()).toBe(2);
    const { submittingAtMs, deadlineAtMs } = await world.attempt(second.attemptId);
    expect(deadlineAtMs - (submittingAtMs ?? 0)).toBe(JOB_DEADLINE_MS);
  });

  test("of creates a minute: the image's priority is its lane", async () => {
    limited({ createsPerMinute: 24 });
    await world.generating(await held(world, "req_first")).sent;
    const plan = await held(world, "req_plan");
    await world.steps.images.patch(plan.imageId, { set: { priority: "plan" }, when: [] });
    expect(await answered(plan)).toBe("Paced");
    expect(await row()).toMatchObject({ lineEndsAtMs: { interactive: 0 } });
    expect((await row())?.lineEndsAtMs.plan).toBeGreaterThan(world.clock());
  });

  test("a 429 all the same: everybody rests, and the bucket is empty afterwards", async () => {
    limited({ createsPerMinute: 600 });
    faults({ kind: "rate-limit", seconds: 4 });
    const first = await held(world, "req_first");
    expect(await answered(first)).toBe("Paced");
    expect(told().seconds).toBe(4);
    const second = await held(world, "req_second");
    expect(await answered(second)).toBe("Paced");
    expect(told().seconds).toBe(4);
    await world.advance(4_000);
    await world.generating(first).sent;
    expect(creates()).toBe(2);
    expect(await answered(second)).toBe("Paced");
    expect(told().seconds).toBe(1);
    expect((await row())?.faults).toBe(0);
  });

  test("a report that cannot be written fails no create", async () => {
    const { pacing } = world.steps;
    const report = async () => {
      throw new Error("no store");
    };
    Object.assign(world.steps, { pacing: { ...pacing, report } });
    const input = await held(world);
    const { sent, answered: answer } = world.generating(input);
    expect(await sent).toBeUndefined();
    await world.advance(TEST_JOB_MS);
    expect(await answer).toBe("ok");
  });
});
