import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { held } from "../../test/builders/flows.ts";
import { type MemoryTables, startMemoryTables } from "../../test/builders/memory-table.ts";
import { partsPass } from "../../test/builders/parts.ts";
import { startWorld, type World } from "../../test/builders/world.ts";
import { someRequest } from "../../test/contract/table-fixtures.ts";
import { announceEnd } from "./announce.ts";
import { audited } from "./audit.ts";
import { AtelierError } from "./errors.ts";
import type { Image } from "./image.ts";
import { settle, takeHold } from "./ledger.ts";
import { reconcile, reconcileLedgers } from "./reconcile.ts";
import { LATE_CHECK_UNTIL_MS, reconcileAttempts } from "./reconcile-attempts.ts";
import { reconcileParts } from "./reconcile-parts.ts";
import type { Part } from "./request.ts";
import { newPart } from "./start.ts";

let tables: MemoryTables;
let world: World;
let started: string[];
let running: Set<string>;
beforeAll(async () => {
  tables = await startMemoryTables();
});
afterAll(() => tables.close());
beforeEach(async () => {
  world = await startWorld(await tables.table());
  started = [];
  running = new Set();
});
afterEach(() => world.close());

/** Executions that are noted instead of run: what the reconciler asks for is what is tested here. */
const deps = () => ({
  ...world.reconciling,
  workflow: {
    ...world.reconciling.workflow,
    describe: async (name: string) => (running.has(name) ? ("running" as const) : ("ended" as const)),
    start: async (name: string) => {
      started.push(name);
      return "started" as const;
    },
  },
});
const parts = (restart = true) => partsPass({ only: null, restart }, deps());
const setImage = (imageId: string, set: Partial<Image>) =>
  world.steps.images.patch(imageId, { set, when: [] });

describe("a part", () => {
  test("whose owner runs is left alone", async () => {
    await world.planned({ count: 2 });
    running.add("req_contract.0-1");
    expect(await parts()).toEqual({ started: [], closed: [], owned: 1, waiting: 0, unbegun: 0, failed: [] });
    expect(started).toEqual([]);
  });

  test("whose owner has ended is started under the next generation", async () => {
    await world.planned({ count: 2 });
    expect(await parts()).toMatchObject({ started: ["req_contract.0-2"] });
    expect(await world.steps.requests.parts.get("req_contract.0")).toMatchObject({
      generation: 2,
      owner: "req_contract.0-2",
    });
    expect(await parts()).toMatchObject({ started: ["req_contract.0-3"] });
  });

  test("is started once by many reconcilers at once", async () => {
    await world.planned({ count: 2 });
    // All look before any of them has started it.
    const look = Promise.withResolvers<void>();
    let looking = 0;
    const slow = {
      ...deps(),
      workflow: {
        ...deps().workflow,
        describe: async () => {
          if (++looking === 5) look.resolve();
          await look.promise;
          return "ended" as const;
        },
      },
    };
    const reports = await Promise.all(
      Array.from({ length: 5 }, () => partsPass({ only: null, restart: true }, slow)),
    );
    expect(reports.flatMap((report) => report.started)).toEqual(["req_contract.0-2"]);
    expect(started).toEqual(["req_contract.0-2"]);
  });

  test("is only counted when it may not be started, or is not asked for", async () => {
    await world.planned({ count: 2 });
    expect(await parts(false)).toEqual({
      started: [],
      closed: [],
      owned: 0,
      waiting: 0,
      unbegun: 0,
      failed: [],
    });
    expect(await reconcileParts({ only: ["req_other"], restart: true }, deps())).toMatchObject({
      started: [],
    });
    expect(started).toEqual([]);
  });

  test("of finished images is closed, once", async () => {
    const images = await world.planned({ count: 2 });
    await setImage(images[0]?.imageId ?? "", { status: "completed" });
    expect(await parts()).toMatchObject({ closed: [], started: ["req_contract.0-2"] });
    await setImage(images[1]?.imageId ?? "", { status: "failed" });
    expect(await parts()).toMatchObject({ closed: ["req_contract"], started: [] });
    expect(await parts()).toMatchObject({ closed: [], started: [] });
  });

  test("whose images were only partly made is started", async () => {
    const images = await world.planned({ count: 1 });
    await setImage(images[0]?.imageId ?? "", { status: "completed" });
    await world.steps.requests.patch("req_contract", { set: { count: 3 }, when: [] });
    expect(await parts()).toMatchObject({ started: ["req_contract.0-2"], closed: [] });
  });

  test("that waits for a provider's word is started when it has come", async () => {
    const { imageId, attemptId } = await held(world);
    await setImage(imageId, { status: "unknown" });
    const attempt = (set: object) => world.steps.attempts.patch(attemptId, { set, when: [] });
    await attempt({ state: "submitted" });
    expect(await parts()).toEqual({ started: [], closed: [], owned: 0, waiting: 1, unbegun: 0, failed: [] });
    // Given up: nobody waits for it, and it is not closed either.
    await attempt({ state: "unknown" });
    expect(await parts()).toEqual({ started: [], closed: [], owned: 0, waiting: 0, unbegun: 0, failed: [] });
    await attempt({
      state: "failed",
      outcome: {
        kind: "failed",
        name: "ProviderFailed",
        message: "",
        charged: true,
        costMicros: null,
        atMs: 1,
      },
    });
    expect(await parts()).toMatchObject({ started: ["req_contract.0-2"] });
  });
});

describe("a hold that nobody will use", () => {
  test("is released when its image has ended", async () => {
    const { imageId, attemptId } = await held(world);
    await setImage(imageId, { status: "failed" });
    await reconcileAttempts(deps());
    expect(await world.attempt(attemptId)).toMatchObject({
      state: "failed",
      settledMicros: 0,
      ledgerApplied: true,
    });
    expect(await world.row()).toMatchObject({ openHolds: 0, remaining: { m: 20_000_000 } });
  });

  test("stays while its image may still use it", async () => {
    const { attemptId } = await held(world);
    await reconcileAttempts(deps());
    expect(await world.attempt(attemptId)).toMatchObject({ state: "held", settledMicros: null });
    expect((await world.row()).openHolds).toBe(1);
  });

  test("that came after everything is given back, also in the month before", async () => {
    const { attemptId } = await held(world);
    const attempt = await world.attempt(attemptId);
    await setImage(attempt.imageId, { status: "failed" });
    await reconcile(deps());
    await reconcileLedgers(deps());
    expect((await world.row()).holds).toEqual({});
    await world.advance(20 * 24 * 3_600_000);
    await takeHold(attempt, world.steps);
    expect(await reconcileLedgers(deps())).toMatchObject({ givenBack: 1 });
    expect(await world.steps.ledger.read("real", "2026-11")).toMatchObject({ holds: {}, openHolds: 0 });
  });
});

test("a provider that does not answer keeps nobody else from being asked", async () => {
  const { attemptId } = await held(world);
  await world.generating({ imageId: attemptId.slice(0, -2), generation: 1, attemptId }).sent;
  const other = await held(world, "req_other");
  await setImage(other.imageId, { status: "failed" });
  world.replicate.sandbox().faults.add({ kind: "status", on: "get", status: 503, times: null });
  await world.steps.attempts.patch(attemptId, { set: { submittedAtMs: 0 }, when: [] });
  expect(await reconcileAttempts(deps())).toMatchObject({ unreachable: ["replicate"] });
  expect(await world.attempt(other.attemptId)).toMatchObject({ ledgerApplied: true });
});

describe("what fails for one keeps no other from its turn", () => {
  const broken = new AtelierError("StorageUnavailable", "The table does not answer.");

  test("parts and requests: the next part is started, the next request begun", async () => {
    await world.planned({ requestId: "req_bad" });
    await world.planned({ requestId: "req_good" });
    const { images, requests } = world.steps;
    for (const requestId of ["req_large", "req_larger"]) {
      await requests.putIfAbsent(someRequest({ requestId, count: 120, parts: 3, partsBegun: 1 }));
    }
    const failing = {
      ...deps(),
      images: {
        ...images,
        ofPart: async (requestId: string, part: number) => {
          if (requestId === "req_bad") throw broken;
          return images.ofPart(requestId, part);
        },
      },
      requests: {
        ...requests,
        parts: {
          ...requests.parts,
          putIfAbsent: async (part: Part) => {
            if (part.requestId === "req_large") throw broken;
            return requests.parts.putIfAbsent(part);
          },
        },
      },
    };
    const report = await reconcileParts({ only: null, restart: true }, failing);
    expect(report.started).toStrictEqual(["req_good.0-2", "req_larger.1-1", "req_larger.2-1"]);
    expect(report.failed.map(({ message }) => message).sort()).toStrictEqual([
      "part req_bad.0: The table does not answer.",
      "request req_large: The table does not answer.",
    ]);
    await expect(reconcile(failing)).rejects.toMatchObject({
      name: "StorageUnavailable",
      message: expect.stringMatching(/^parts: 2 failed \[.*req_bad.* \| .*req_large/),
    });
  });

  test("parts that cannot be looked at count as running: no further ones are begun beside them", async () => {
    const { requests } = world.steps;
    const request = someRequest({ requestId: "req_large", count: 2_000, parts: 40, partsBegun: 20 });
    await requests.putIfAbsent(request);
    for (let part = 0; part < 20; part++) {
      await requests.parts.putIfAbsent(newPart("req_large", part, `req_large.${part}-1`, world.clock()));
    }
    const { workflow } = deps();
    const failing = { ...deps(), workflow: { ...workflow, describe: () => Promise.reject(broken) } };
    const report = await reconcileParts({ only: null, restart: true }, failing);
    expect(report).toMatchObject({ started: [], unbegun: 20 });
    expect(report.failed).toHaveLength(20);
  });

  test("attempts: every failure is told, and the others are gone on with", async () => {
    const [one, other, good] = [await held(world, "req_a"), await held(world, "req_b"), await held(world)];
    for (const { imageId } of [one, other, good]) await setImage(imageId, { status: "failed" });
    const { images } = world.steps;
    const failing = {
      ...deps(),
      images: {
        ...images,
        get: async (imageId: string) => {
          if (imageId !== good.imageId) throw broken;
          return images.get(imageId);
        },
      },
    };
    const failure = await reconcileAttempts(failing).catch((error: Error) => error);
    expect(failure).toMatchObject({ name: "StorageUnavailable" });
    for (const { attemptId } of [one, other]) expect((failure as Error).message).toContain(attemptId);
    expect(await world.attempt(good.attemptId)).toMatchObject({ settledMicros: 0, ledgerApplied: true });
  });

  test("ledgers: another hold of the month is given back, and other months and accounts are looked at", async () => {
    const [bad, good] = [await held(world, "req_a"), await held(world, "req_b")];
    const [badSpent, goodSpent] = [await held(world, "req_c"), await held(world, "req_d")];
    // Tombstones, which go when their attempt says that it is applied.
    for (const { attemptId } of [badSpent, goodSpent]) {
      await settle(attemptId, 0, {
        ...world.steps,
        ledger: { ...world.steps.ledger, sweep: async () => false },
      });
    }
    for (const { attemptId } of [bad, good]) {
      // Applied, and the hold came late.
      await world.steps.attempts.patch(attemptId, {
        set: { settledMicros: 0, ledgerApplied: true },
        when: [],
      });
    }
    const { attempts, ledger } = world.steps;
    const read: string[] = [];
    const failing = {
      ...deps(),
      attempts: {
        ...attempts,
        get: async (attemptId: string) => {
          if (attemptId === bad.attemptId || attemptId === badSpent.attemptId) throw broken;
          return attempts.get(attemptId);
        },
      },
      ledger: {
        ...ledger,
        read: async (account: "real" | "sandbox", month: string) => {
          read.push(`${account} ${month}`);
          return ledger.read(account, month);
        },
      },
    };
    await expect(reconcileLedgers(failing)).rejects.toMatchObject({
      name: "StorageUnavailable",
      message: expect.stringMatching(`${bad.attemptId}.*${badSpent.attemptId}`),
    });
    const { holds } = await world.row();
    expect(holds).toStrictEqual({ [bad.attemptId]: expect.any(Number), [badSpent.attemptId]: 0 });
    expect(holds[bad.attemptId]).toBeGreaterThan(0);
    expect([...new Set(read)]).toStrictEqual([
      "real 2026-11",
      "real 2026-10",
      "sandbox 2026-11",
      "sandbox 2026-10",
    ]);
  });
});

describe("what a killed process recorded and never told", () => {
  test("is told when its part is closed: the end, and how a purchase went", async () => {
    const { attemptId, imageId } = await held(world);
    const bought = { subject: imageId, kind: "bought", attemptId, facts: {} } as const;
    await audited({ ...bought, phase: "intended" }, world.steps);
    await setImage(imageId, { status: "failed", finishedAtMs: world.clock() });
    const before = (await world.audit.ofSubject(imageId)).map(({ auditId }) => auditId);
    expect(await parts()).toMatchObject({ closed: ["req_contract"] });
    const told = (await world.audit.ofSubject(imageId)).filter(({ auditId }) => !before.includes(auditId));
    expect(told.map(({ kind, phase }) => `${kind} ${phase}`).sort()).toStrictEqual([
      "bought done",
      "refused done",
    ]);
  });

  test("is not told again", async () => {
    const [image] = await world.planned({ count: 1 });
    if (!image) throw new Error("nothing was planned");
    const recorded = await setImage(image.imageId, { status: "failed", finishedAtMs: world.clock() });
    if (!recorded.ok) throw new Error("the image is missing");
    await announceEnd(recorded.record, world.steps);
    const before = await world.audit.ofSubject(image.imageId);
    await parts();
    expect(await world.audit.ofSubject(image.imageId)).toStrictEqual(before);
  });
});

test("an attempt that nobody can tell about ends after a day; its hold stays booked", async () => {
  const { attemptId } = await held(world);
  const { holdMicros } = await world.attempt(attemptId);
  const submittingAtMs = world.clock();
  const lost = { state: "unknown", submittingAtMs, settledMicros: holdMicros } as const;
  await world.steps.attempts.patch(attemptId, { set: lost, when: [] });
  await world.advance(LATE_CHECK_UNTIL_MS + 1);
  await reconcileAttempts(deps());
  expect(await world.attempt(attemptId)).toMatchObject({
    state: "failed",
    outcome: { kind: "failed", name: "OutcomeUnknown", charged: true },
    settledMicros: holdMicros,
  });
});
