/**
 * @module What the orchestration itself costs an image: the time from the provider's outcome being known here until `record`
 * returns, less what the steps `collect`, `process` and `record` took. What remains is the write of the outcome, the answer
 * to the task token, and the state machine's way through three states.
 *
 * Method: a whole installation in a temporary folder (dynalite, state machine, files, sandbox and its webhooks over
 * loopback), with a fixed delay at the sandbox. Images come two at a time: with more of them the figure would say how long
 * they queue for two processors. An outcome's time is the one written with it; a step's is taken around its handler, as a
 * Lambda's duration would be. The first pair warms up and is not counted.
 *
 * `learningLag` is what comes before: from the moment that the job was done at the sandbox until its outcome was known.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AtelierError } from "@atelier/core/errors";
import type { Image } from "@atelier/core/image";
import { type Installation, openInstallation } from "@atelier/local/installation";
import { produceGenerate } from "@atelier/local/requests";
import { withBackstop } from "@atelier/local/runs";
import { SETTINGS_FILE } from "@atelier/providers/sandbox/faults";
import { endOf, recordSchema } from "@atelier/providers/sandbox/predictions";
import * as z from "zod";

const AT_ONCE = 2;
const DELAY_MS = 400;
const WORK_STEPS = ["collect", "process", "record"];

export interface OrchestrationBench {
  /** Milliseconds an image beyond provider and work. Targets 30 and 100. */
  p50Ms: number;
  p95Ms: number;
  /** From done at the provider until known here. Target of the 95th percentile: 50. */
  learningLagP50Ms: number;
  learningLagP95Ms: number;
  /** Median of what was subtracted, for the proportion. */
  workMs: number;
  images: number;
}

interface Sample {
  readonly orchestrationMs: number;
  readonly learningLagMs: number;
  readonly workMs: number;
}

/** @throws AtelierError when an image does not end completed: then the figures would mean nothing */
export async function benchOrchestration(images = 40): Promise<OrchestrationBench> {
  const folder = await mkdtemp(join(tmpdir(), "atelier-bench-"));
  try {
    const installation = await openInstallation({ dataFolder: folder, provider: null, environment: {} });
    try {
      await writeFile(join(folder, "sandbox", SETTINGS_FILE), JSON.stringify({ delayMs: DELAY_MS }));
      const watch = watchSteps(installation);
      const samples: Sample[] = [];
      for (let made = -AT_ONCE; made < images; made += AT_ONCE) {
        for (const image of await produced(installation)) {
          const sample = await sampleOf(image, watch, installation);
          if (made >= 0) samples.push(sample);
        }
      }
      return summaryOf(samples);
    } finally {
      await installation.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function produced(installation: Installation): Promise<readonly Image[]> {
  const options = {
    category: "weekend_special",
    template: null,
    count: AT_ONCE,
    seed: null,
    model: null,
    maxCostMicros: null,
    parameters: {},
  } as const;
  return withBackstop(installation, produceGenerate(options, {}, installation));
}

interface Watch {
  /** By the clock of the outcomes. */
  readonly recordedAtMs: ReadonlyMap<string, number>;
  readonly workMs: ReadonlyMap<string, number>;
}

function watchSteps(installation: Installation): Watch {
  const entered = new Map<string, number>();
  const recordedAtMs = new Map<string, number>();
  const workMs = new Map<string, number>();
  installation.onStep(({ name, imageId, phase }) => {
    if (imageId === null || !WORK_STEPS.includes(name)) return;
    if (phase === "entered") {
      entered.set(imageId, performance.now());
      return;
    }
    const tookMs = performance.now() - (entered.get(imageId) ?? Number.NaN);
    workMs.set(imageId, (workMs.get(imageId) ?? 0) + tookMs);
    if (name === "record") recordedAtMs.set(imageId, installation.clock());
  });
  return { recordedAtMs, workMs };
}

async function sampleOf(image: Image, watch: Watch, installation: Installation): Promise<Sample> {
  const attempt = await installation.steps.attempts.get(image.chosenAttemptId ?? "");
  const recordedAtMs = watch.recordedAtMs.get(image.imageId);
  const workMs = watch.workMs.get(image.imageId);
  if (!attempt?.outcome || !attempt.operation || recordedAtMs === undefined || workMs === undefined) {
    throw new AtelierError("Unexpected", `The bench's image ${image.imageId} ended as ${image.status}.`);
  }
  return {
    orchestrationMs: recordedAtMs - attempt.outcome.atMs - workMs,
    learningLagMs: attempt.outcome.atMs - (await doneAtProvider(attempt.operation, installation)),
    workMs,
  };
}

/** The sandbox's own file about the job says when it was done. */
async function doneAtProvider(operation: string, { dataFolder }: Installation): Promise<number> {
  const { id } = z.object({ id: z.string() }).parse(JSON.parse(operation));
  const path = join(dataFolder, "sandbox", "predictions", `${id}.json`);
  return endOf(recordSchema.parse(JSON.parse(await readFile(path, "utf8"))))?.atMs ?? Number.NaN;
}

function summaryOf(samples: readonly Sample[]): OrchestrationBench {
  const quantile = (of: (sample: Sample) => number, part: number) => {
    const sorted = samples.map(of).toSorted((one, other) => one - other);
    return Math.round((sorted[Math.ceil(part * sorted.length) - 1] ?? Number.NaN) * 10) / 10;
  };
  return {
    p50Ms: quantile(({ orchestrationMs }) => orchestrationMs, 0.5),
    p95Ms: quantile(({ orchestrationMs }) => orchestrationMs, 0.95),
    learningLagP50Ms: quantile(({ learningLagMs }) => learningLagMs, 0.5),
    learningLagP95Ms: quantile(({ learningLagMs }) => learningLagMs, 0.95),
    workMs: quantile(({ workMs }) => workMs, 0.5),
    images: samples.length,
  };
}
