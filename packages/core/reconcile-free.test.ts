import { createAttempts } from "@atelier/aws/dynamo/attempts";
import { createImages } from "@atelier/aws/dynamo/images";
import { createLedgerStore } from "@atelier/aws/dynamo/ledger";
import { createFileBlobs } from "@atelier/local/file-blobs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type MemoryTables, startMemoryTables } from "../../test/builders/memory-table.ts";
import { someAttempt } from "../../test/contract/table-fixtures.ts";
import type { Attempt } from "./attempt.ts";
import type { TokenAnswer } from "./ports.ts";
import type { Found, Provider } from "./provider.ts";
import { GIVE_UP_MS, reconcileAttempts } from "./reconcile-attempts.ts";

let tables: MemoryTables;
beforeAll(async () => {
  tables = await startMemoryTables();
});
afterAll(() => tables.close());

const SUBMITTED_AT_MS = Date.parse("2026-11-22T06:00:00Z");
const DEADLINE_AT_MS = SUBMITTED_AT_MS + 300_000;

/** An attempt whose answer was lost, and how the reconciler left it. */
async function reconciled(
  input: Partial<Attempt> & { readonly nowMs: number; readonly find?: () => Promise<Found> },
) {
  const { nowMs, find, ...fields } = input;
  const dynamo = await tables.table();
  const attempts = createAttempts(dynamo);
  const lost = someAttempt({
    provider: "a1111",
    model: "sdxl-a1111",
    account: "real",
    state: "reconciling",
    holdMicros: 0,
    listMicros: 0,
    submittingAtMs: SUBMITTED_AT_MS,
    deadlineAtMs: DEADLINE_AT_MS,
    checkedAtMs: SUBMITTED_AT_MS,
    token: "t1",
    ...fields,
  });
  await attempts.putIfAbsent(lost);
  const provider: Provider = {
    name: "a1111",
    trustedOrigin: null,
    submit: () => Promise.reject(new Error("The reconciler never submits.")),
    check: () => Promise.reject(new Error("There is no operation to ask about.")),
    ...(find && { find }),
  };
  const answers: TokenAnswer[] = [];
  await reconcileAttempts({
    attempts,
    images: createImages(dynamo),
    ledger: createLedgerStore(dynamo),
    firstLimits: { dayMicros: 0, monthMicros: 0 },
    blobs: createFileBlobs({ folder: "/nowhere", randomBytes: (size) => new Uint8Array(size) }),
    fetcher: { fetch: () => Promise.reject(new Error("There is nothing to fetch.")) },
    clock: () => nowMs,
    providerOf: () => provider,
    modelOf: () => undefined,
    times: { lostCreateGraceMs: 5_000, checkIntervalMs: 10_000 },
    workflow: {
      answer: async (_, answer) => {
        answers.push(answer);
        return "answered";
      },
      submitterAlive: async () => false,
    },
  });
  return { attempt: await attempts.get(lost.attemptId), answers };
}

describe("a lost answer of a machine that bills nothing and keeps no list", () => {
  test("ends the attempt once its own deadline has passed, so that the image goes on", async () => {
    const { attempt, answers } = await reconciled({ nowMs: DEADLINE_AT_MS });
    expect(attempt).toMatchObject({
      state: "failed",
      outcome: { kind: "failed", name: "ProviderFailed", charged: false, costMicros: 0 },
    });
    expect(answers).toMatchObject([{ ok: false, error: "FailOver" }]);
  });

  test.each([
    ["before that", { nowMs: DEADLINE_AT_MS - 1 }],
    [
      "when it can be looked for",
      { nowMs: DEADLINE_AT_MS, find: async () => ({ kind: "unknown" }) as const },
    ],
  ])("stays open %s", async (_, input) => {
    const { attempt, answers } = await reconciled(input);
    expect(attempt).toMatchObject({ state: "reconciling", outcome: null });
    expect(answers).toStrictEqual([]);
    expect(DEADLINE_AT_MS).toBeLessThan(SUBMITTED_AT_MS + GIVE_UP_MS);
  });

  test("is booked whole with its deadline when there is money at stake: nobody will ever tell", async () => {
    const { attempt } = await reconciled({ nowMs: DEADLINE_AT_MS, holdMicros: 1 });
    expect(attempt).toMatchObject({ state: "unknown", outcome: null, settledMicros: 1 });
  });
});
