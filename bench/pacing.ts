/**
 * @module Pacing at a provider that counts strictly: two workers (and other numbers) with the real pacing over a store in memory, on a
 * virtual clock, waits in whole seconds as the state machine has them; see `test/simulators/strict-provider.ts`.
 *
 * Method: each scenario runs with several seeds for the lengths of jobs, wire and store; the worst makespan of 600 creates at 600 a minute
 * counts, and any 429 in any of them. A long run says what share of the limit is used once the first minute's burst is past.
 */
import { type Load, type Run, runLoad } from "../test/simulators/strict-provider.ts";

const LIMIT = 600;
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];
const MINUTE_MS = 60_000;

const TWO_WORKERS: Omit<Load, "seed"> = {
  creates: 600,
  createsPerMinute: LIMIT,
  skewsMs: [0, 0],
  concurrency: 10,
  lane: "interactive",
  // Quicker than any model: else twenty images at once would never reach the limit.
  jobMs: [300, 700],
  storeMs: [3, 15],
  wireMs: [20, 200],
};
const FORTY = { concurrency: 40, jobMs: [1_000, 4_000] } as const;
const APART = { skewsMs: [-300, 300] } as const;

/** All of them 600 creates: what must hold. */
const SCENARIOS: Readonly<Record<string, Partial<Load>>> = {
  twoWorkers: {},
  clocksApart: APART,
  fortyAtOnce: FORTY,
  fortyAtOnceClocksApart: { ...FORTY, ...APART },
  planLane: { lane: "plan" },
  planLaneFortyClocksApart: { ...FORTY, ...APART, lane: "plan" },
  eightWorkers: { skewsMs: [-300, -200, -100, 0, 0, 100, 200, 300] },
};

export interface PacingBench {
  /** The worst over all scenarios and seeds of 600 creates: makespan over creates by limit. Target 1.02. */
  makespanRatio: number;
  /** Creates answered by 429, over everything that ran. Target 0. */
  rateLimited: number;
  /** The most creates in any minute, of 600. */
  mostInMinute: number;
  /** Of two workers over ten minutes, from the second minute on. */
  steadyShare: number;
  /** Conditional writes, won and lost, by create: two workers at the limit, and where there is room. */
  writesPerCreate: number;
  writesPerCreateWithRoom: number;
  /** Passages through the state machine's wait, by create. */
  waitsPerCreate: number;
  /** Makespan ratio by scenario, median and worst. */
  scenarios: Record<string, { median: number; worst: number }>;
  /** Makespan ratio of two workers by number of creates: it tends to 1 / 0.95 as the first burst fades. */
  byCreates: Record<string, number>;
}

export async function benchPacing(): Promise<PacingBench> {
  const runs: Run[] = [];
  const run = async (change: Partial<Load>, seed = 1) => {
    const result = await runLoad({ ...TWO_WORKERS, ...change, seed });
    runs.push(result);
    return result;
  };

  const scenarios: PacingBench["scenarios"] = {};
  for (const [name, change] of Object.entries(SCENARIOS)) {
    const ratios: number[] = [];
    for (const seed of SEEDS) ratios.push((await run(change, seed)).makespanRatio);
    ratios.sort((one, other) => one - other);
    scenarios[name] = {
      median: rounded(ratios[Math.floor(ratios.length / 2)]),
      worst: rounded(ratios.at(-1)),
    };
  }
  const byCreates: PacingBench["byCreates"] = {};
  for (const creates of [60, 300, 600, 1_200, 3_000, 6_000]) {
    byCreates[creates] = rounded((await run({ creates })).makespanRatio);
  }
  const long = await run({ creates: 6_000 });
  // Six images at once with jobs of two seconds: half the limit.
  const room = await run({ creates: 1_200, concurrency: 6, jobMs: [1_500, 2_500] });

  return {
    makespanRatio: Math.max(...Object.values(scenarios).map(({ worst }) => worst)),
    rateLimited: runs.reduce((sum, { rateLimited }) => sum + rateLimited, 0),
    mostInMinute: Math.max(...runs.map(({ mostInWindow }) => mostInWindow)),
    steadyShare: rounded(steadyShare(long)),
    writesPerCreate: rounded(long.writesPerCreate),
    writesPerCreateWithRoom: rounded(room.writesPerCreate),
    waitsPerCreate: rounded(long.waitsPerCreate),
    scenarios,
    byCreates,
  };
}

/** Of the limit, over whole minutes after the first and before the last. */
function steadyShare({ arrivedAtMs, makespanMs }: Run): number {
  const untilMs = Math.floor(makespanMs / MINUTE_MS) * MINUTE_MS;
  const counted = arrivedAtMs.filter((atMs) => atMs >= MINUTE_MS && atMs < untilMs).length;
  return counted / ((LIMIT * (untilMs - MINUTE_MS)) / MINUTE_MS);
}

function rounded(figure: number | undefined): number {
  return Math.round((figure ?? Number.NaN) * 10_000) / 10_000;
}
