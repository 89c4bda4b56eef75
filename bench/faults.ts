/**
 * @module What must hold whatever goes wrong: ten thousand images over all providers with deaths at every boundary between steps
 * (`test/simulation`), ten thousand holds and settlements from four processes, what waiting costs, what AWS costs, and the
 * kills of `test/e2e/kill.test.ts` in full number.
 *
 * The simulation runs as shards, each a world of its own with a seed derived from the first, as many at once as there are
 * processors. `npm run bench -- faults --seed S --images N` runs one shard alone: what a failing one says replays it.
 */
import { spawn, spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { ProviderFigures } from "../test/simulation/figures.ts";
import type { SimulationResult } from "../test/simulation/simulation.ts";
import { idleFigures } from "../test/simulation/zero-idle.ts";
import { benchCost } from "./cost.ts";
import { benchLedger } from "./ledger-processes.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SHARD = fileURLToPath(new URL("simulation-shard.ts", import.meta.url));
const KILLS = 30;
const IMAGES = 10_000;
const SHARDS = 16;
const FIRST_SEED = 20_261_122;

/** @throws Error when something was lost, bought twice, overspent or left behind; what and how to see it again is on standard error */
export async function benchFaults(options: readonly string[] = []): Promise<object> {
  const { values } = parseArgs({
    args: [...options],
    options: { seed: { type: "string" }, images: { type: "string" }, imaging: { type: "string" } },
  });
  if (values.seed !== undefined || values.images !== undefined) {
    const shard = {
      seed: Number(values.seed ?? FIRST_SEED),
      images: Number(values.images ?? 100),
      imaging: values.imaging ?? "",
    };
    return { simulation: await simulated([shard]) };
  }
  const shards = Array.from({ length: SHARDS }, (_, index) => ({
    seed: FIRST_SEED + index,
    images: IMAGES / SHARDS,
    imaging: "",
  }));
  return {
    simulation: await simulated(shards),
    ledger: await timed(benchLedger),
    idle: await idleFigures(20),
    cost: await benchCost(),
    kills: killed(),
  };
}

interface Shard {
  readonly seed: number;
  readonly images: number;
  /** `real`: with sharp. */
  readonly imaging: string;
}

async function simulated(shards: readonly Shard[]): Promise<object> {
  const startedAtMs = performance.now();
  const waiting = [...shards];
  const results: SimulationResult[] = [];
  const worker = async () => {
    for (let shard = waiting.shift(); shard; shard = waiting.shift()) {
      const result = await runShard(shard);
      results.push(result);
      process.stderr.write(`  simulation: ${results.length} of ${shards.length} shards\n`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), shards.length) }, worker));
  for (const { seed, imagesAsked, problems } of results) {
    if (problems.length === 0) continue;
    process.stderr.write(
      `${problems.map((problem) => `- ${problem}\n`).join("")}To see it again: npm run bench -- faults --seed ${seed} --images ${imagesAsked}\n`,
    );
    throw new Error(`The simulation with the seed ${seed} came to what must not be; see above.`);
  }
  return { ...merged(results), minutes: minutesSince(startedAtMs) };
}

function runShard({ seed, images, imaging }: Shard): Promise<SimulationResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [...process.execArgv, SHARD, String(seed), String(images), imaging],
      {
        cwd: ROOT,
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve(JSON.parse(Buffer.concat(chunks).toString("utf8")) as SimulationResult);
      else reject(new Error(`The shard with the seed ${seed} and ${images} images ended with ${code}.`));
    });
  });
}

function merged(results: readonly SimulationResult[]): object {
  const byProvider: Record<string, ProviderFigures> = {};
  for (const result of results) {
    for (const [name, figures] of Object.entries(result.byProvider)) {
      const known = byProvider[name];
      byProvider[name] = known ? (summed([known, figures]) as unknown as ProviderFigures) : figures;
    }
  }
  const all = summed(Object.values(byProvider));
  const sum = (of: (result: SimulationResult) => number) =>
    results.reduce((total, result) => total + of(result), 0);
  return {
    seeds: results.map(({ seed }) => seed).sort((one, other) => one - other),
    images: sum(({ imagesAsked }) => imagesAsked),
    ended: summed(results.map(({ images }) => images)),
    failures: summed(results.map(({ failures }) => failures)),
    ...all,
    chargedUsd: (all.chargedMicros ?? 0) / 1_000_000,
    spentUsd: (all.spentMicros ?? 0) / 1_000_000,
    overspentWrites: sum(({ overspentWrites }) => overspentWrites),
    leastRemainingMicros: Math.min(...results.map(({ leastRemainingMicros }) => leastRemainingMicros)),
    leakedHolds: sum(({ leakedHolds }) => leakedHolds),
    isProved: results.every(({ isProved }) => isProved),
    mishaps: summed(results.map(({ mishaps }) => mishaps)),
    deathsBetweenSteps: summed(results.map(({ boundaries }) => boundaries)),
    deathsInside: summed(results.map(({ deaths }) => inside(deaths))),
    faults: summed(results.map(({ faults }) => faults)),
    byProvider,
    turns: sum(({ turns }) => turns),
  };
}

/** Those at calls, by where they were; the others are told by the boundary. */
function inside(deaths: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(deaths).filter(([label]) => / (before|after)$/.test(label)));
}

function summed(records: readonly object[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const record of records) {
    for (const [name, value] of Object.entries(record)) sums[name] = (sums[name] ?? 0) + Number(value);
  }
  return Object.fromEntries(Object.entries(sums).sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** Real processes of the product, killed at seeded moments. */
function killed(): { kills: number; minutes: number } {
  const startedAtMs = performance.now();
  const { status } = spawnSync(
    process.execPath,
    ["node_modules/vitest/vitest.mjs", "run", "test/e2e/kill.test.ts", "--testNamePattern", "kill -9"],
    {
      cwd: ROOT,
      env: { ...process.env, ATELIER_TEST_KILLS: String(KILLS) },
      stdio: ["ignore", process.stderr.fd, process.stderr.fd],
    },
  );
  if (status !== 0) throw new Error("A killed run was not brought to its end; see the report above.");
  return { kills: KILLS, minutes: minutesSince(startedAtMs) };
}

async function timed<T extends object>(work: () => Promise<T>): Promise<T & { minutes: number }> {
  const startedAtMs = performance.now();
  const figures = await work();
  return { ...figures, minutes: minutesSince(startedAtMs) };
}

function minutesSince(startedAtMs: number): number {
  return Math.round((performance.now() - startedAtMs) / 6_000) / 10;
}
