/** @module How much developing costs beyond the encoders, and against plain sharp calls. */
import { fileURLToPath } from "node:url";
import type { Provenance } from "@atelier/core/pictures";
import { encodeOnly, modelOutput, naiveRenditions, readyPixels } from "@atelier/imaging/baseline";
import { createImaging } from "@atelier/imaging/open";
import { provenanceXmp } from "@atelier/imaging/provenance";
import { DEFAULT_RECIPE } from "@atelier/imaging/renditions";

const PHOTO = fileURLToPath(new URL("../test/fixtures/photos/coffee.png", import.meta.url));
const EDGE_PIXELS = 1024;
const WARM_UP_ROUNDS = 5;

const PROVENANCE: Provenance = {
  imageId: "img_bench",
  model: "sdxl",
  modelVersion: "1.0",
  createdAtMs: 0,
  title: "Bench",
  keywords: ["bench"],
};

export interface ImagingBench {
  /** CPU of enhancing, scaling and encoding the whole rendition set / CPU of its encodes alone. Target 1.25. */
  encodeRatio: number;
  /** As `encodeRatio`, with checking and decoding the file. */
  encodeRatioWithDecode: number;
  /** Wall time of decoding and developing / wall time of a plain sharp call for each rendition. Below 1 is faster. */
  naiveRatio: number;
  /** CPU milliseconds a picture. */
  openMs: number;
  measureMs: number;
  developMs: number;
  encodesMs: number;
  naiveMs: number;
}

/** Medians over rounds in which all candidates take turns, on a photograph of 1024 x 1024, one thread a call. */
export async function benchImaging(rounds = 9): Promise<ImagingBench> {
  const imaging = createImaging({ concurrency: 1 });
  const input = await modelOutput(PHOTO, EDGE_PIXELS);
  const pixels = await readyPixels(input, DEFAULT_RECIPE);
  const xmp = provenanceXmp(PROVENANCE);
  const taken: Record<"open" | "measure" | "develop" | "encodes" | "naive", Cost[]> = {
    open: [],
    measure: [],
    develop: [],
    encodes: [],
    naive: [],
  };
  // The loops over pixels are slow (60 ms instead of 12) until the compiler has seen them a few times: not counted.
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    const open = await timed(() => imaging.open(input));
    const measure = await timed(() => open.result.measure());
    const develop = await timed(async () => {
      for await (const _ of open.result.develop(DEFAULT_RECIPE, PROVENANCE));
    });
    const encodes = await timed(() => encodeOnly(pixels, DEFAULT_RECIPE, xmp));
    const naive = await timed(() => naiveRenditions(input, DEFAULT_RECIPE));
    if (round < 0) continue;
    taken.open.push(open);
    taken.measure.push(measure);
    taken.develop.push(develop);
    taken.encodes.push(encodes);
    taken.naive.push(naive);
  }
  const cpu = (costs: readonly Cost[]) => rounded(median(costs.map(({ cpuMs }) => cpuMs)));
  const { open, measure, develop, encodes, naive } = taken;
  return {
    encodeRatio: ratio([develop], encodes, "cpuMs"),
    encodeRatioWithDecode: ratio([open, develop], encodes, "cpuMs"),
    naiveRatio: ratio([open, develop], naive, "wallMs"),
    openMs: cpu(open),
    measureMs: cpu(measure),
    developMs: cpu(develop),
    encodesMs: cpu(encodes),
    naiveMs: cpu(naive),
  };
}

/** The median over the rounds of the sum of some costs to another of the same round: a busy moment slows both. */
function ratio(
  parts: readonly (readonly Cost[])[],
  whole: readonly Cost[],
  unit: "cpuMs" | "wallMs",
): number {
  return rounded(
    median(
      whole.map(
        (cost, round) => parts.reduce((sum, part) => sum + (part[round]?.[unit] ?? 0), 0) / cost[unit],
      ),
    ),
  );
}

interface Cost {
  readonly cpuMs: number;
  readonly wallMs: number;
}

async function timed<T>(work: () => Promise<T>): Promise<Cost & { result: T }> {
  const cpuBefore = process.cpuUsage();
  const wallBefore = performance.now();
  const result = await work();
  const { user, system } = process.cpuUsage(cpuBefore);
  return { result, cpuMs: (user + system) / 1000, wallMs: performance.now() - wallBefore };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
