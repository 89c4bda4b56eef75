/** @module What is done by the clock: one part that fails keeps no other from its turn, and the call counts as failed. */
import { createAttestations } from "@atelier/aws/dynamo/attestations";
import { createPacingStore } from "@atelier/aws/dynamo/pacing";
import { createPromptVault } from "@atelier/aws/dynamo/prompts";
import { createReviews } from "@atelier/aws/dynamo/reviews";
import { createVersions } from "@atelier/aws/dynamo/versions";
import { AtelierError } from "@atelier/core/errors";
import type { Measurement } from "@atelier/core/metrics";
import type { Attestation } from "@atelier/core/terms";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { held } from "../../test/builders/flows.ts";
import { type MemoryTables, startMemoryTables } from "../../test/builders/memory-table.ts";
import { TEXT_VAULT } from "../../test/builders/text-vault.ts";
import { startWorld, type World } from "../../test/builders/world.ts";
import { someImage } from "../../test/contract/table-fixtures.ts";
import { dailyRound } from "./daily-round.ts";
import { developRound } from "./develop-round.ts";
import { reconcileAndReport } from "./reconcile-report.ts";

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

const away = new AtelierError("StorageUnavailable", "The table does not answer.");
const fail = () => Promise.reject(away);

function telemetry() {
  const measured: Measurement[] = [];
  const nothing = () => undefined;
  const measure = (...measurements: readonly Measurement[]) => void measured.push(...measurements);
  const silent = { begin: nothing, add: nothing, info: nothing, warn: nothing, error: nothing, end: nothing };
  return { measured, telemetry: { ...silent, measure } };
}

describe("the reconciler", () => {
  function deps(pacing = createPacingStore(world.dynamo)) {
    const own = { providers: ["replicate"], offers: { providers: [], models: [] }, pacing };
    const indexed: number[] = [];
    const images = {
      ...world.reconciling.images,
      indexEarlier: async (count: number) => {
        indexed.push(count);
        return 0;
      },
    };
    return { ...telemetry(), ...world.reconciling, ...own, images, indexed };
  }

  test("releases what nobody will use although the alarms' values cannot be read, and fails in the end", async () => {
    const { imageId, attemptId } = await held(world);
    await world.steps.images.patch(imageId, { set: { status: "failed" }, when: [] });
    const given = deps({ ...createPacingStore(world.dynamo), read: fail });
    await expect(reconcileAndReport({}, given)).rejects.toMatchObject({
      name: "StorageUnavailable",
      message: "gauges: The table does not answer.",
    });
    expect(await world.attempt(attemptId)).toMatchObject({ settledMicros: 0, ledgerApplied: true });
    expect(given.measured.map(({ name }) => name)).toContain("AttemptsOpen");
    expect(given.indexed).toHaveLength(1);
  });

  test("measures and indexes although its pass fails, and names everything that did", async () => {
    const given = deps();
    const requests = { ...given.requests, open: fail };
    const ledger = { ...given.ledger, read: fail };
    const images = { ...given.images, indexEarlier: () => Promise.reject(new TypeError("no number")) };
    await expect(reconcileAndReport({}, { ...given, requests, ledger, images })).rejects.toMatchObject({
      name: "Unexpected",
      message:
        "3 failed [gauges: The table does not answer. | " +
        "reconcile: 2 failed [parts: The table does not answer. | ledger: 4 failed [real 2026-11: The table does not answer. | " +
        "real 2026-10: The table does not answer. | sandbox 2026-11: The table does not answer. | and 1 more]] | " +
        "earlier images: TypeError: no number]",
    });
    await expect(reconcileAndReport({}, { ...given, requests })).rejects.toThrow(/^reconcile: parts: /);
    expect(given.measured.map(({ name }) => name)).toStrictEqual(
      expect.arrayContaining(["ReconcilerLagSeconds", "ProvidersClosed"]),
    );
  });
});

describe("the day's round", () => {
  function deps() {
    const { clock, steps, dynamo } = world;
    return {
      ...telemetry(),
      ...steps,
      audit: world.audit,
      vault: createPromptVault(dynamo, TEXT_VAULT),
      versions: createVersions(dynamo),
      reviews: createReviews(dynamo),
      attestations: createAttestations(dynamo),
      termsAttested: async (): Promise<Attestation[]> => [
        { provider: "replicate", rating: "nudity", by: "ada", date: "2025-06-01" },
      ],
      places: [{ name: "here", blobs: steps.blobs }],
      removeOverviews: async () => undefined,
      retention: { failed: 0 },
      today: () => new Date(clock()).toISOString().slice(0, 10),
    } as const;
  }
  const oneDue = () =>
    world.steps.images.putIfAbsent(
      someImage({ imageId: "img_due_00000", requestId: "req_due", status: "failed", finishedAtMs: 1 }),
    );

  test("removes what is due although what expires cannot be read", async () => {
    await oneDue();
    const given = deps();
    const attestations = { ...given.attestations, ages: fail };
    await expect(dailyRound({}, { ...given, attestations })).rejects.toMatchObject({
      message: "expiring: The table does not answer.",
    });
    expect((await world.image("img_due_00000")).erasedAtMs).toBeTypeOf("number");
  });

  test("tells what expires although nothing can be removed", async () => {
    await oneDue();
    const given = deps();
    const versions = { ...given.versions, ofImage: fail };
    await expect(dailyRound({}, { ...given, versions })).rejects.toMatchObject({
      message: "retention: img_due_00000: The table does not answer.",
    });
    expect(world.events.map(({ type }) => type)).toStrictEqual(["terms-expiring"]);
  });
});

test("what developing leaves undone is told, decisions and versions alike", async () => {
  const given = {
    ...telemetry(),
    clock: () => 0,
    reviews: { open: fail },
    versions: { open: () => Promise.reject(new TypeError("no number")) },
  } as unknown as Parameters<typeof developRound>[1];
  await expect(developRound({}, given, { requestId: "a call", deadlineMs: 300_000 })).rejects.toMatchObject({
    name: "Unexpected",
    message: "2 failed [reviews: The table does not answer. | versions: TypeError: no number]",
  });
});
