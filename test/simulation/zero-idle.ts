/** @module What an image costs the state machine and its functions, for a quick and for a slow provider. */

import { NO_MISHAPS } from "./scheduler.ts";
import { simulate } from "./simulation.ts";

export interface IdleFigures {
  readonly after3s: PerImage;
  readonly after60s: PerImage;
  readonly transitionsRatio: number;
  readonly invocationsRatio: number;
  readonly billedRatio: number;
}

export interface PerImage {
  /** States entered, retries and waits included. */
  readonly transitions: number;
  /** Calls of functions, webhooks included; without the reconciler, which comes each minute whatever there is to do. */
  readonly invocations: number;
  /** Virtual milliseconds of functions: their calls to stores and providers. */
  readonly billedMs: number;
  readonly virtualSeconds: number;
}

export async function idleFigures(images: number): Promise<IdleFigures> {
  const [after3s, after60s] = [await perImage(images, 3_000), await perImage(images, 60_000)];
  return {
    after3s,
    after60s,
    transitionsRatio: after60s.transitions / after3s.transitions,
    invocationsRatio: after60s.invocations / after3s.invocations,
    billedRatio: after60s.billedMs / after3s.billedMs,
  };
}

async function perImage(images: number, jobMs: number): Promise<PerImage> {
  const {
    counts,
    problems,
    images: ended,
    slowestMs,
  } = await simulate({
    seed: 1,
    images,
    jobMs,
    wanted: ["replicate"],
    imagesPerRequest: images,
    mishaps: NO_MISHAPS,
    hosts: { atBoundary: 0, atNewBoundary: 0, forsaken: 0, onMachines: 0 },
    faultsPerThousand: 0,
    limits: { m: 1_000_000_000, d: 1_000_000_000 },
    quiet: true,
  });
  if (problems.length > 0 || ended.completed !== images) throw new Error(`Not all went well: ${problems[0]}`);
  const total = (numbers: Readonly<Record<string, number>>) =>
    Object.entries(numbers).reduce((sum, [name, number]) => (name === "reconcile" ? sum : sum + number), 0);
  return {
    transitions: total(counts.transitions) / images,
    invocations: total(counts.invocations) / images,
    billedMs: total(counts.billedMs) / images,
    virtualSeconds: slowestMs / 1_000,
  };
}
