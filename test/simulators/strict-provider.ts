/**
 * @module Many workers at one provider that counts strictly: creates in the last window, to the millisecond, and 429 beyond
 * the limit. The workers are the real pacing over a store in memory; store, wire, state machine and jobs take virtual time, and a
 * wait takes whole seconds, as the state machine's does.
 */
import type { Clock } from "@atelier/core/ids";
import { UNLIMITED } from "@atelier/core/pacing";
import { createPacing } from "@atelier/core/pacing-rounds";
import type { Lane, PacingRow } from "@atelier/core/pacing-row";
import type { PacingStore } from "@atelier/core/ports";
import { randomOf } from "../builders/interleaver.ts";
import { createVirtualTime } from "./virtual-time.ts";

export interface Load {
  readonly creates: number;
  readonly createsPerMinute: number;
  /** Over how long the provider counts; 60 when absent. */
  readonly windowSeconds?: number;
  /** Each is a process with its own clock, this far from the true time. */
  readonly skewsMs: readonly number[];
  /** Images at once in each process. */
  readonly concurrency: number;
  readonly lane: Lane;
  readonly seed: number;
  /** Shortest and longest, in milliseconds. */
  readonly jobMs: readonly [number, number];
  readonly storeMs: readonly [number, number];
  readonly wireMs: readonly [number, number];
}

export interface Run {
  /** From the first ask to the last create's arrival. */
  readonly makespanMs: number;
  /** Makespan over `creates / limit`. */
  readonly makespanRatio: number;
  readonly rateLimited: number;
  /** The most creates that any window held. */
  readonly mostInWindow: number;
  readonly writesPerCreate: number;
  readonly waitsPerCreate: number;
  /** When each create arrived, from the start. */
  readonly arrivedAtMs: readonly number[];
}

/** Any whole minute would do. */
const START_MS = Date.parse("2026-11-22T06:00:00Z");

export async function runLoad(load: Load): Promise<Run> {
  const time = createVirtualTime(START_MS);
  const random = randomOf(load.seed);
  const between = ([shortest, longest]: readonly [number, number]) =>
    shortest + random(Math.max(1, longest - shortest + 1));
  const store = memoryStore(() => time.sleep(between(load.storeMs)));
  const windowSeconds = load.windowSeconds ?? 60;
  const windowMs = windowSeconds * 1_000;
  const provider = strictProvider(
    Math.floor((load.createsPerMinute * windowMs) / 60_000),
    windowMs,
    time.nowMs,
  );
  let waits = 0;

  const workers = load.skewsMs.map((skewMs, worker) => {
    const pacing = createPacing({
      store,
      clock: () => time.nowMs() + skewMs,
      limitsOf: () => ({ ...UNLIMITED, createsPerMinute: load.createsPerMinute, windowSeconds }),
      timezone: "UTC",
      isRunning: async () => false,
    });
    const images = shareOf(load.creates, load.skewsMs.length, worker);
    let started = 0;
    const wait = async (forMs: number) => {
      waits++;
      await time.sleep(Math.max(1, Math.ceil(forMs / 1_000)) * 1_000 + between([20, 80]));
    };
    return Array.from({ length: load.concurrency }, async () => {
      while (started < images) {
        const attemptId = `img_w${worker}_${String(started++).padStart(5, "0")}-1`;
        for (let isSent = false; !isSent; ) {
          const answer = await pacing.take({
            provider: "strict",
            attemptId,
            lane: load.lane,
            deadlineAtMs: time.nowMs() + skewMs + 300_000,
          });
          if (answer.kind === "quota") throw new Error("There is no quota here.");
          if (answer.kind !== "go") {
            await wait(answer.waitMs);
            continue;
          }
          await time.sleep(between(load.wireMs));
          const retryAfterMs = provider.create();
          await pacing.report("strict", attemptId, "reached");
          isSent = retryAfterMs === 0;
          if (isSent) break;
          await pacing.restUntil("strict", time.nowMs() + skewMs + retryAfterMs);
          await wait(retryAfterMs);
        }
        await time.sleep(between(load.jobMs));
      }
    });
  });
  const done = Promise.all(workers.flat());
  await Promise.all([done, time.run()]);

  const makespanMs = (provider.acceptedAtMs.at(-1) ?? Number.NaN) - START_MS;
  return {
    makespanMs,
    makespanRatio: makespanMs / ((load.creates / load.createsPerMinute) * 60_000),
    rateLimited: provider.refused(),
    mostInWindow: mostInWindow(provider.acceptedAtMs, windowMs),
    writesPerCreate: store.writes() / load.creates,
    waitsPerCreate: waits / load.creates,
    arrivedAtMs: provider.acceptedAtMs.map((atMs) => atMs - START_MS),
  };
}

function shareOf(total: number, workers: number, worker: number): number {
  return Math.floor(total / workers) + (worker < total % workers ? 1 : 0);
}

/** Counts what it accepted in the last window; says how long to wait, 0 when it accepts. */
function strictProvider(limit: number, windowMs: number, clock: Clock) {
  const acceptedAtMs: number[] = [];
  let refused = 0;
  return {
    acceptedAtMs,
    refused: () => refused,
    create(): number {
      const nowMs = clock();
      const first = acceptedAtMs[acceptedAtMs.length - limit];
      if (first !== undefined && first > nowMs - windowMs) {
        refused++;
        return first + windowMs - nowMs;
      }
      acceptedAtMs.push(nowMs);
      return 0;
    },
  };
}

/** The most of the times, in ascending order, that lie within less than a window of each other. */
export function mostInWindow(atMs: readonly number[], windowMs: number): number {
  let most = 0;
  let oldest = 0;
  for (const [newest, untilMs] of atMs.entries()) {
    while ((atMs[oldest] ?? 0) <= untilMs - windowMs) oldest++;
    most = Math.max(most, newest - oldest + 1);
  }
  return most;
}

/** One row, changed by compare-and-set on its revision. */
export function memoryStore(delay: () => Promise<void> = async () => {}): PacingStore & { writes(): number } {
  const rows = new Map<string, PacingRow>();
  let writes = 0;
  return {
    writes: () => writes,
    async read(provider) {
      await delay();
      const row = rows.get(provider);
      return row && structuredClone(row);
    },
    async write(row) {
      await delay();
      writes++;
      if ((rows.get(row.provider)?.revision ?? 0) !== row.revision - 1) return false;
      rows.set(row.provider, structuredClone(row));
      return true;
    },
  };
}
