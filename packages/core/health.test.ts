import { expect, test } from "vitest";
import { someAttempt } from "../../test/contract/table-fixtures.ts";
import type { Attempt } from "./attempt.ts";
import { createHealth, healthOf } from "./health.ts";

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;

function attempt(agoMs: number, change: Partial<Attempt> & { seconds?: number } = {}): Attempt {
  const { seconds = 10, ...fields } = change;
  const endedAtMs = NOW - agoMs;
  return someAttempt({
    provider: "replicate",
    model: "sdxl",
    createdAtMs: endedAtMs - seconds * 1000,
    submittingAtMs: endedAtMs - seconds * 1000,
    settledMicros: 10_000,
    outcome: {
      kind: "succeeded",
      outputs: [{ kind: "url", url: "https://x" }],
      costMicros: null,
      atMs: endedAtMs,
    },
    ...fields,
  });
}
const failed = (agoMs: number, name: string) =>
  attempt(agoMs, {
    settledMicros: 0,
    outcome: { kind: "failed", name, message: "", charged: false, costMicros: null, atMs: NOW - agoMs },
  });

test("rates, percentiles by nearest rank, spend and means", () => {
  const attempts = [1, 2, 3, 4, 20].map((seconds, at) =>
    attempt(at * MINUTE, { seconds, quality: 60 + at, correctionMicros: at === 0 ? 5 : null }),
  );
  expect(healthOf([...attempts, failed(9 * MINUTE, "ProviderFailed")], NOW)).toStrictEqual([
    {
      provider: "replicate",
      model: "sdxl",
      ended: 6,
      successRate: 5 / 6,
      p50Seconds: 3,
      p95Seconds: 20,
      consecutiveFailures: 0,
      spentMicros: 50_005,
      meanCostMicros: 10_001,
      meanQuality: 62,
      problem: null,
    },
  ]);
});

test("few measurements say nothing about quality and cost", () => {
  const [health] = healthOf(
    [1, 2, 3, 4].map((at) => attempt(at, { quality: 90 })),
    NOW,
  );
  expect(health).toMatchObject({ meanQuality: null, meanCostMicros: null, p50Seconds: 10 });
});

test("more than three failures in a row are a problem for ten minutes", () => {
  const failures = (count: number, agoMs: number) =>
    Array.from({ length: count }, (_, at) => failed(agoMs + at, "ProviderFailed"));
  const problem = (attempts: Attempt[]) => healthOf(attempts, NOW)[0]?.problem;
  expect(problem(failures(3, 0))).toBeNull();
  expect(problem(failures(4, 0))).toBe("its last 4 attempts failed");
  expect(problem(failures(4, 11 * MINUTE))).toBeNull();
  expect(problem([attempt(0), ...failures(4, MINUTE)])).toBeNull();
});

test("what is about the prompt, the budget or ourselves counts neither way", () => {
  const names = ["ContentRejected", "NotCreated", "ProviderResting", "QuotaUsedUp", "ConfigurationInvalid"];
  expect(
    healthOf(
      names.map((name) => failed(0, name)),
      NOW,
    ),
  ).toMatchObject([{ ended: 0, successRate: null, consecutiveFailures: 0, problem: null }]);
});

test("a model that is gone is passed over for a day", () => {
  expect(healthOf([failed(MINUTE, "ModelUnavailable")], NOW)[0]?.problem).toMatch(/does not serve it/);
  expect(healthOf([failed(25 * 60 * MINUTE, "ModelUnavailable")], NOW)[0]?.problem).toBeNull();
});

test("models and providers are kept apart; old attempts are left out", () => {
  const others = [
    attempt(0, { model: "flux" }),
    attempt(0, { provider: "stability" }),
    attempt(15 * 24 * 60 * MINUTE),
  ];
  expect(healthOf(others, NOW).map(({ provider, model }) => `${provider}/${model}`)).toStrictEqual([
    "replicate/flux",
    "stability/sdxl",
  ]);
});

test("attempts are read every half minute, closed accounts each time; what failed is read anew", async () => {
  let nowMs = NOW;
  let reads = 0;
  const reasons: Record<string, string | null> = { replicate: null, stability: null };
  const health = createHealth({
    providers: ["replicate", "stability"],
    attempts: {
      async ofProvider(provider) {
        reads++;
        if (reads > 4) throw new Error("the table is away");
        return { items: provider === "replicate" ? [attempt(0)] : [], cursor: null };
      },
    },
    closed: async (provider) => reasons[provider] ?? null,
    clock: () => nowMs,
  });
  expect((await health()).closed).toEqual(new Map());
  reasons.replicate = "no credit left";
  const second = await health();
  expect(second.closed).toEqual(new Map([["replicate", "no credit left"]]));
  expect(second.models).toMatchObject([{ provider: "replicate", model: "sdxl", ended: 1 }]);
  expect(reads).toBe(2);

  nowMs += 30_001;
  await health();
  expect(reads).toBe(4);
  nowMs += 30_001;
  await expect(health()).rejects.toThrow("the table is away");
  await expect(health()).rejects.toThrow("the table is away");
});
