/** @module Whole executions against everything that a provider can do wrong: one create per attempt, the right end, the money booked. */

import { reconcileLedgers } from "@atelier/core/reconcile";
import { reconcileAttempts } from "@atelier/core/reconcile-attempts";
import type { ImageRequest } from "@atelier/core/request";
import type { FaultInput } from "@atelier/providers/sandbox/faults";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { booksOf, expectedBooks } from "../builders/books.ts";
import { FIRST_MODEL, SECOND_MODEL } from "../builders/catalogue.ts";
import { ended } from "../builders/flows.ts";
import { type MemoryTables, startMemoryTables } from "../builders/memory-table.ts";
import { startWorld, type World } from "../builders/world.ts";

let tables: MemoryTables;
beforeAll(async () => {
  tables = await startMemoryTables();
});
afterAll(() => tables.close());

interface Made {
  readonly status: string;
  readonly failure: string | null;
  readonly costMicros: number;
  readonly attempts: number;
  /** Creates that reached the wire, and those of them that made a job. */
  readonly creates: number;
  readonly jobs: number;
  readonly model: string | null;
}

/** One image through the machine, with the reconciler running beside it; what must hold for every fault is checked here. */
async function make(
  faults: readonly FaultInput[],
  fields: Partial<ImageRequest> = {},
  change: Parameters<typeof startWorld>[1] = {},
  look: (world: World) => Promise<unknown> = async () => {},
): Promise<Made> {
  const world = await startWorld(await tables.table(), change);
  try {
    world.replicate.sandbox().faults.add(...faults);
    await ended(world, await world.start(fields), () => reconcileAttempts(world.reconciling));
    await reconcileAttempts(world.reconciling);
    const [image] = await world.steps.images.ofRequest("req_contract");
    if (!image) throw new Error("No image was made.");
    const attempts = await world.steps.attempts.ofImage(image.imageId);
    const creates = world.replicate.sandbox().creates();
    for (const { attemptId, seed } of attempts) {
      const own = creates.filter((create) => create.webhook === world.webhookUrlOf(attemptId));
      // A rate-limited create made nothing and may be sent again; anything else never.
      expect(own.filter(({ status }) => status !== 429).length).toBeLessThanOrEqual(1);
      expect(own.every((create) => create.seed === seed)).toBe(true);
    }
    await reconcileLedgers(world.reconciling);
    expect(attempts.every(({ ledgerApplied }) => ledgerApplied)).toBe(true);
    const row = await world.steps.ledger.read("real", "2026-11");
    if (row) expect(booksOf(row)).toEqual(expectedBooks("2026-11", attempts, []));
    const booked = attempts.reduce((sum, { settledMicros }) => sum + (settledMicros ?? 0), 0);
    expect(image.costMicros).toBe(booked);
    for (const token of new Set(world.answers.map((answer) => answer.token))) {
      expect(world.answers.filter((one) => one.token === token && one.said === "answered")).toHaveLength(1);
    }
    await look(world);
    return {
      status: image.status,
      failure: image.failure?.name ?? null,
      costMicros: image.costMicros,
      attempts: attempts.length,
      creates: creates.length,
      jobs: creates.filter(({ predictionId }) => predictionId !== null).length,
      model: image.model,
    };
  } finally {
    await world.close();
  }
}

const good: Made = {
  status: "completed",
  failure: null,
  costMicros: 10_000,
  attempts: 1,
  creates: 1,
  jobs: 1,
  model: FIRST_MODEL.name,
};
const bad = (failure: string, costMicros: number): Made => ({
  ...good,
  status: "failed",
  failure,
  costMicros,
  model: null,
});

describe("a create", () => {
  test("without a fault is made once", async () => {
    expect(await make([])).toEqual(good);
  });

  test("that is rate-limited is sent once more, not before its time", async () => {
    const result = await make([{ kind: "rate-limit", seconds: 3 }], {}, {}, async (world) => {
      const [limited, sent] = world.replicate.sandbox().creates();
      expect((sent?.atMs ?? 0) - (limited?.atMs ?? 0)).toBeGreaterThanOrEqual(3_000);
    });
    expect(result).toEqual({ ...good, creates: 2 });
  });

  const accepted: [string, FaultInput][] = [
    ["a 500 after it was accepted", { kind: "status", status: 500, accepted: true }],
    ["a reset after it was accepted", { kind: "reset", accepted: true }],
    ["an answer that is no JSON", { kind: "malformed" }],
  ];
  test.each(accepted)("with %s is found by its webhook", async (_, fault) => {
    expect(await make([fault])).toEqual(good);
  });
  test.each(accepted)("with %s is found by listing", async (_, fault) => {
    expect(await make([fault, { kind: "webhook", as: "lost" }])).toEqual(good);
  });

  test.each([
    ["a 503", { kind: "status", status: 503 }],
    ["a reset", { kind: "reset" }],
  ] satisfies [string, FaultInput][])(
    "with %s before it was accepted is made by a new attempt",
    async (_, fault) => {
      expect(await make([fault])).toEqual({ ...good, attempts: 2, creates: 2 });
    },
  );

  test("that never arrives is given up after three attempts", async () => {
    expect(await make([{ kind: "reset", times: null }])).toEqual({
      ...bad("NotCreated", 0),
      attempts: 3,
      creates: 3,
      jobs: 0,
    });
  });

  test("with a refused key ends the image where no other provider can be asked", async () => {
    expect(await make([{ kind: "status", status: 401, title: "Unauthenticated" }])).toEqual({
      ...bad("KeyRefused", 0),
      attempts: 2,
      creates: 1,
      jobs: 0,
    });
  });

  test("without credit ends the image: no other model of the account is asked", async () => {
    const made = await make([{ kind: "status", status: 402, title: "Insufficient credit" }]);
    expect(made).toEqual({ ...bad("OutOfCredit", 0), attempts: 2, creates: 1, jobs: 0 });
  });

  test("of a version that is gone goes to the next model", async () => {
    const other = { ...good, model: SECOND_MODEL.name, costMicros: 30_000, attempts: 2, creates: 2 };
    expect(
      await make([
        {
          kind: "status",
          status: 422,
          title: "Invalid version or not permitted",
          detail: "It does not exist.",
        },
      ]),
    ).toEqual(other);
  });
});

describe("a job", () => {
  test("that the provider's filter rejects is charged and not tried elsewhere", async () => {
    expect(await make([{ kind: "job", as: "nsfw" }])).toEqual(bad("ContentRejected", 10_000));
  });

  test("that fails goes to the next model, and both are booked", async () => {
    expect(await make([{ kind: "job", as: "failed" }])).toEqual({
      ...good,
      model: SECOND_MODEL.name,
      costMicros: 40_000,
      attempts: 2,
      creates: 2,
      jobs: 2,
    });
  });

  test("that fails everywhere ends the image with the provider's failure", async () => {
    expect(await make([{ kind: "job", as: "failed", times: null }])).toEqual({
      ...bad("ProviderFailed", 40_000),
      attempts: 2,
      creates: 2,
      jobs: 2,
    });
  });

  test("of an explicit model is not replaced by another one", async () => {
    expect(await make([{ kind: "job", as: "failed" }], { wantedModel: FIRST_MODEL.name })).toEqual(
      bad("ProviderFailed", 10_000),
    );
  });

  test("that makes no picture is charged, and goes to the next model", async () => {
    expect(await make([{ kind: "job", as: "fewer-outputs" }])).toMatchObject({
      model: SECOND_MODEL.name,
      costMicros: 40_000,
      attempts: 2,
    });
  });
});

describe("an output", () => {
  test.each([
    ["truncated", "OutputInvalid"],
    ["corrupt", "OutputInvalid"],
    ["html", "OutputInvalid"],
    ["mistyped", "OutputInvalid"],
    ["huge-header", "OutputInvalid"],
    ["redirect", "OutputUnsafe"],
    ["missing", "OutputExpired"],
    ["broken-off", "OutputUnavailable"],
  ] as const)("that is %s ends the image as %s, and the money is booked", async (as, failure) => {
    if (as !== "broken-off") {
      expect(await make([{ kind: "output", as }])).toEqual(bad(failure, 10_000));
      return;
    }
    // May be fetched again until the image's deadline: it stays open, paid for and not bought again.
    const world = await startWorld(await tables.table());
    world.replicate.sandbox().faults.add({ kind: "output", as });
    await ended(world, await world.start());
    const [image] = await world.steps.images.ofRequest("req_contract");
    expect(image).toMatchObject({ status: "generating", failure: { name: failure }, attempts: 1 });
    expect(world.replicate.sandbox().creates()).toHaveLength(1);
    await world.close();
  });

  test("behind a redirect to this machine is not fetched", async () => {
    const location = "http://127.0.0.1:1/secret";
    expect(await make([{ kind: "output", as: "redirect", location }])).toEqual(bad("OutputUnsafe", 10_000));
  });

  test.each(["expired", "unavailable-once"] as const)("that is %s is fetched all the same", async (as) => {
    expect(await make([{ kind: "output", as }])).toEqual(good);
  });
});

describe("before anything is bought", () => {
  test("a budget that does not cover the hold ends the image", async () => {
    const firstLimits = { dayMicros: 19_999, monthMicros: 1_000_000 };
    expect(await make([], {}, { firstLimits })).toEqual({
      ...bad("BudgetExceeded", 0),
      attempts: 1,
      creates: 0,
      jobs: 0,
    });
  });

  test("a share of --max-cost that does not cover it does so too", async () => {
    expect(await make([], { maxCostMicros: 19_999 })).toMatchObject({
      ...bad("MaxCostExceeded", 0),
      attempts: 0,
      creates: 0,
      jobs: 0,
    });
  });

  test("a failover is bought only within the share of --max-cost", async () => {
    expect(await make([{ kind: "job", as: "failed" }], { maxCostMicros: 59_999 })).toEqual(
      bad("MaxCostExceeded", 10_000),
    );
  });

  test("many images against a small budget: as many as it covers, the rest refused", async () => {
    const firstLimits = { dayMicros: 75_000, monthMicros: 1_000_000 };
    const world = await startWorld(await tables.table(), { firstLimits });
    await ended(world, await world.start({ count: 12 }));
    const images = await world.steps.images.ofRequest("req_contract");
    const completed = images.filter(({ status }) => status === "completed");
    const failures = images
      .filter(({ status }) => status !== "completed")
      .map(({ failure }) => failure?.name);
    // Three at once by their holds; a settled one makes room for others.
    expect(completed.length).toBeGreaterThanOrEqual(3);
    expect(completed.length).toBeLessThanOrEqual(7);
    expect(new Set(failures)).toEqual(new Set(["BudgetExceeded"]));
    expect(world.replicate.sandbox().creates()).toHaveLength(completed.length);
    const row = await world.row();
    expect(row).toMatchObject({
      openHolds: 0,
      remaining: { "d.2026-11-22": 75_000 - completed.length * 10_000 },
    });
    await world.close();
  });
});
