import { expect, test } from "vitest";
import { someAttempt } from "../../test/contract/table-fixtures.ts";
import type { Attempt } from "./attempt.ts";
import { healthOf } from "./health.ts";
import { METRICS_ATTEMPTS_MAX, metricsDocument, metricsSince } from "./metrics.ts";

const NOW = 1_800_000_000_000;

function ended(number: number, change: Partial<Attempt> = {}, seconds = number): Attempt {
  const atMs = NOW - number * 60_000;
  return someAttempt({
    attemptId: `img_a_${String(number).padStart(5, "0")}-1`,
    provider: "replicate",
    model: "sdxl",
    createdAtMs: atMs - seconds * 1000,
    submittingAtMs: atMs - seconds * 1000,
    settledMicros: 10_000,
    quality: 80,
    outcome: { kind: "succeeded", outputs: [{ kind: "url", url: "https://x" }], costMicros: null, atMs },
    ...change,
  });
}
const failed = (number: number): Attempt =>
  ended(number, {
    settledMicros: 0,
    quality: null,
    outcome: {
      kind: "failed",
      name: "ProviderFailed",
      message: "",
      charged: false,
      costMicros: null,
      atMs: NOW - number * 60_000,
    },
  });

/** As the store answers: the newest first, in pages. */
function providers(stored: Readonly<Record<string, readonly Attempt[]>>) {
  const reads: number[] = [];
  return {
    reads,
    catalogue: { providers: Object.keys(stored).map((name) => ({ name })) },
    attempts: {
      async ofProvider(provider: string, sinceMs: number, page: { limit: number; cursor?: string }) {
        reads.push(page.limit);
        const from = Number(page.cursor ?? 0);
        const found = (stored[provider] ?? []).filter(({ createdAtMs }) => createdAtMs >= sinceMs);
        const items = found.slice(from, from + page.limit);
        return { items, cursor: from + page.limit < found.length ? String(from + page.limit) : null };
      },
    },
  };
}

test("count, success, percentiles, cost and quality of each model, as health has them", async () => {
  const own = [ended(1), ended(2), ended(3), ended(4), failed(5), ended(20)];
  const other = [{ ...ended(9), model: "flux" }];
  const { models, partial } = await metricsSince(
    NOW - 3_600_000,
    providers({ replicate: [...own, ...other], stability: [] }),
  );
  expect(models.map(metricsDocument)).toStrictEqual([
    {
      provider: "replicate",
      model: "flux",
      count: 1,
      success_rate: 1,
      seconds_p50: 9,
      seconds_p95: 9,
      cost: 0.01,
      quality: 80,
    },
    {
      provider: "replicate",
      model: "sdxl",
      count: 6,
      success_rate: 5 / 6,
      seconds_p50: 3,
      seconds_p95: 20,
      cost: 0.05,
      quality: 80,
    },
  ]);
  expect(partial).toStrictEqual([]);
  const [, health] = healthOf([...own, ...other], NOW);
  expect(models[1]).toMatchObject({
    count: health?.ended,
    successRate: health?.successRate,
    p50Seconds: health?.p50Seconds,
    p95Seconds: health?.p95Seconds,
    costMicros: health?.spentMicros,
    quality: health?.meanQuality,
  });
});

test("attempts before the time count for nothing; one that still runs has no rate", async () => {
  const running = ended(1, { outcome: null, settledMicros: null, quality: null });
  const { models } = await metricsSince(NOW - 120_000, providers({ replicate: [running, ended(60)] }));
  expect(models.map(metricsDocument)).toStrictEqual([
    {
      provider: "replicate",
      model: "sdxl",
      count: 0,
      success_rate: null,
      seconds_p50: null,
      seconds_p95: null,
      cost: 0,
      quality: null,
    },
  ]);
});

test("no more than the newest 10,000 of a provider are read, and that is said", async () => {
  const one = ended(1);
  const many = providers({ replicate: Array.from({ length: METRICS_ATTEMPTS_MAX + 500 }, () => one) });
  const { models, partial } = await metricsSince(0, many);
  expect(partial).toStrictEqual(["replicate"]);
  expect(models[0]?.count).toBe(METRICS_ATTEMPTS_MAX);
  expect(many.reads.length).toBeLessThanOrEqual(METRICS_ATTEMPTS_MAX / 100 + 1);
});
