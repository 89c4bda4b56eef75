/** @module Metrics, and health with and without a token. */

import { ALARM_IDS, LOCAL_ALARM_IDS } from "@atelier/core/alarms";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { someAttempt, someImage } from "../../../test/contract/table-fixtures.ts";
import { startTestApi, type TestApi, type TestCall } from "../testing/api.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

let made = 0;
async function attempted(outcome: "succeeded" | "failed"): Promise<void> {
  const requestId = `req_${++made}`;
  const { imageId } = someImage({ requestId });
  const createdAtMs = api.clock() - 60_000 + made;
  const end = { costMicros: null, atMs: createdAtMs + 5_000 };
  await api.deps.attempts.putIfAbsent(
    someAttempt({
      imageId,
      requestId,
      attemptId: `${imageId}-1`,
      provider: "replicate",
      account: "real",
      createdAtMs,
      submittingAtMs: createdAtMs,
      state: outcome,
      settledMicros: 10_000,
      ledgerApplied: true,
      quality: outcome === "succeeded" ? 80 : null,
      outcome:
        outcome === "succeeded"
          ? { ...end, kind: "succeeded", outputs: [{ kind: "url", url: "https://example.com/a.png" }] }
          : { ...end, kind: "failed", name: "ProviderFailed", message: "It failed.", charged: true },
    }),
  );
}

test("metrics of each model since a time", async () => {
  await attempted("succeeded");
  await attempted("succeeded");
  await attempted("failed");
  const read: TestCall = { scopes: ["metrics:read"] };
  const answer = await api.call("/v1/metrics?since=2026-11-20", read);
  expect(await answer.json()).toEqual({
    items: [
      {
        provider: "replicate",
        model: "sdxl",
        count: 3,
        success_rate: 2 / 3,
        seconds_p50: 5,
        seconds_p95: 5,
        cost: 0.03,
        quality: 80,
      },
    ],
    next_cursor: null,
    since: "2026-11-20T00:00:00.000Z",
    partial: [],
  });
  const later = await api.call(`/v1/metrics?since=${new Date(api.clock()).toISOString()}`, read);
  expect(await later.json()).toMatchObject({ items: [], since: "2026-11-22T12:00:00.000Z" });
  const lately = await api.call("/v1/metrics", read);
  expect(await lately.json()).toMatchObject({ since: "2026-11-08T12:00:00.000Z", items: [{ count: 3 }] });
  for (const since of ["2026-11-23", "yesterday", "2026-02-30"]) {
    expect((await api.call(`/v1/metrics?since=${since}`, read)).status).toBe(400);
  }
});

interface Health {
  readonly status: string;
  readonly checks: readonly {
    readonly name: string;
    readonly state: string;
    readonly since: string | null;
  }[];
  readonly alarms?: readonly object[];
}
const health = async (call: TestCall = { scopes: null }) =>
  (await (await api.call("/v1/health", call)).json()) as Health;

test("health says to anybody whether all is well, and nothing else", async () => {
  const well = await health();
  expect(well).toEqual({
    status: "ok",
    version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    checks: LOCAL_ALARM_IDS.map((name) => ({ name, state: "ok", since: null })),
  });
  for (let failure = 0; failure < 5; failure++) await attempted("failed");
  // The records were read a moment ago.
  expect(await health()).toEqual(well);
  api.advance(14_999);
  expect(await health()).toEqual(well);
  api.advance(1);
  // They are being read; nobody waits for it.
  expect(await health()).toEqual(well);
  await vi.waitFor(async () => expect((await health()).status).toBe("degraded"));
  const degraded = await health();
  const ringing = degraded.checks.filter(({ state }) => state === "ringing");
  expect(ringing).toEqual([
    { name: "consecutive-failures", state: "ringing", since: expect.stringMatching(/^2026-11-22T11:59/) },
  ]);
  expect(ALARM_IDS).toContain(ringing[0]?.name);
  expect(degraded.alarms).toBeUndefined();
  for (const told of ["replicate", "sdxl", "ProviderFailed"]) {
    expect(JSON.stringify(degraded)).not.toContain(told);
  }
});

test("operators are told what rings, other callers are not; a bad token is one", async () => {
  const { alarms } = await health({ scopes: ["metrics:read"] });
  expect(alarms).toMatchObject([
    {
      alarm: "consecutive-failures",
      severity: "critical",
      provider: "replicate",
      model: "sdxl",
      runbook: "docs/operations.md#consecutive-failures",
    },
  ]);
  expect((await health({ scopes: ["images:read"] })).alarms).toBeUndefined();
  const answer = await api.call("/v1/health", { scopes: null, headers: { Authorization: "Bearer rubbish" } });
  expect(answer.status).toBe(401);
});

test("what the records said half a minute ago is told to nobody", async () => {
  const other = await api.with({});
  const status = async () =>
    ((await (await other.call("/v1/health", { scopes: null })).json()) as Health).status;
  expect(await status()).toBe("degraded");
  await attempted("succeeded");
  other.advance(29_999);
  expect(await status()).toBe("degraded");
  other.advance(30_000);
  expect(await status()).toBe("ok");
});

test("a reading that fails is not told, and the one before it no longer", async () => {
  const { open } = api.deps.attempts;
  let isDown = false;
  const flaky = await api.with({
    attempts: {
      ...api.deps.attempts,
      open: (page) => (isDown ? Promise.reject(new Error("gone")) : open(page)),
    },
  });
  const status = async () => (await flaky.call("/v1/health", { scopes: null })).status;
  expect(await status()).toBe(200);
  isDown = true;
  flaky.advance(15_000);
  expect(await status()).toBe(200);
  await vi.waitFor(async () => expect(await status()).toBe(500));
  isDown = false;
  await vi.waitFor(async () => expect(await status()).toBe(200));
  api.faults.splice(0);
});

test("when the stores do not answer, health is a problem; the next reading is a new one", async () => {
  api.advance(15_000);
  let isDown = true;
  const { open } = api.deps.attempts;
  const flaky = await api.with({
    attempts: {
      ...api.deps.attempts,
      open: (page) => (isDown ? Promise.reject(new Error("gone")) : open(page)),
    },
  });
  expect((await flaky.call("/v1/health", { scopes: null })).status).toBe(500);
  expect(api.faults.splice(0)).toHaveLength(1);
  isDown = false;
  expect((await flaky.call("/v1/health", { scopes: null })).status).toBe(200);
});
