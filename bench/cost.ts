/**
 * @module What AWS costs for a thousand images, computed from a counted run: every state, call, table unit and file of the product's
 * own steps over all functions, webhooks and the reconciler's passes included, priced as facts say (us-east-1, on demand, no
 * free tier). Nothing goes wrong and nobody waits for a limit.
 *
 * What a run here cannot count: how long calls take on AWS (`LATENCY_MS`), which are assumed and printed. The processor's time is
 * measured: of a call by its client, and of a picture by sharp.
 */

import { fileURLToPath } from "node:url";
import { modelOutput } from "@atelier/imaging/baseline";
import { createImaging } from "@atelier/imaging/open";
import { DEFAULT_RECIPE } from "@atelier/imaging/renditions";
import { SIZES } from "../stacks/sizes.ts";
import { NO_MISHAPS } from "../test/simulation/scheduler.ts";
import { simulate } from "../test/simulation/simulation.ts";

/** US dollars. The first group from vendors' or third parties' pages of 2025 and 2026, the second from memory. */
const PRICES = {
  lambdaGbSecond: 1.33334e-5,
  lambdaCall: 2e-7,
  transition: 25e-6,
  tableWriteUnit: 0.625e-6,
  tableReadUnit: 0.125e-6,

  filePut: 5e-6,
  fileGet: 0.4e-6,
  apiCall: 1e-6,
  logGb: 0.5,
  keyCall: 3e-6,
  signature: 15e-6,
  rekognitionCall: 1e-3,
} as const;

/** Assumed, within a region; the provider's create and the picture's way over the internet. */
const LATENCY_MS: Readonly<Record<string, number>> = {
  table: 5,
  blobs: 25,
  workflow: 25,
  fetch: 400,
  replicate: 500,
};
/** Of a call of the SDK, signing and reading included: `facts` measured 1.68 ms for two. */
const CPU_MS_PER_CALL = 0.84;
/** Lambda's own share of a call: parsing the event, a line of log. */
const CPU_MS_PER_INVOCATION = 2;
/** Lambda gives one whole vCPU at this much memory. */
const MB_PER_CPU = 1_769;
/** Lambda's three lines (330 bytes) and ours with the ids (420), and 26 bytes that CloudWatch adds to each. */
const LOG_KB_PER_INVOCATION = 0.85;
/** A prompt is sealed once and read once, each with a data key. */
const KEY_CALLS = 2;

const PHOTO = fileURLToPath(new URL("../test/fixtures/photos/coffee.png", import.meta.url));

export interface CostBench {
  /** For parts of fifty images: what a thousand images at once are. */
  usdPer1000: number;
  /** For requests of three: the calendar's. */
  calendarUsdPer1000: number;
  /** Of `usdPer1000`, and of `calendarUsdPer1000`. */
  parts: Record<string, number>;
  calendarParts: Record<string, number>;
  /** By image. */
  transitions: number;
  invocations: number;
  writeUnits: number;
  readUnits: number;
  writeUnitsByKind: Record<string, number>;
  filePuts: number;
  fileGets: number;
  /** Milliseconds of each function, as computed. */
  functionMs: Record<string, number>;
  /** Measured, of one picture of 1024 x 1024: opened, measured and developed. */
  pictureMs: Record<string, number>;
  /** Beside it, for 1,000 images: five signatures by KMS and two looks by Rekognition at each. */
  signingUsdPer1000: number;
  rekognitionUsdPer1000: number;
}

export async function benchCost(): Promise<CostBench> {
  const pictureMs = await measuredPicture();
  const [batch, calendar] = [await counted(100, 50, pictureMs), await counted(60, 3, pictureMs)];
  const [priced, calendarPriced] = [price(batch), price(calendar)];
  return {
    usdPer1000: rounded(total(priced.parts)),
    calendarUsdPer1000: rounded(total(calendarPriced.parts)),
    parts: mapped(priced.parts, rounded),
    calendarParts: mapped(calendarPriced.parts, rounded),
    transitions: rounded(batch.transitions),
    invocations: rounded(total(batch.invocations)),
    writeUnits: rounded(total(batch.writeUnits)),
    readUnits: rounded(batch.readUnits),
    writeUnitsByKind: mapped(batch.writeUnits, rounded),
    filePuts: rounded(batch.filePuts),
    fileGets: rounded(batch.fileGets),
    functionMs: mapped(priced.functionMs, Math.round),
    pictureMs: mapped(pictureMs, Math.round),
    signingUsdPer1000: rounded(DEFAULT_RECIPE.steps.length * PRICES.signature * 1_000),
    rekognitionUsdPer1000: rounded(2 * PRICES.rekognitionCall * 1_000),
  };
}

/** US dollars for 1,000 images, and what they are made of, for pictures that take a processor that long. */
export async function costOfBatch(images: number, pictureMs: Readonly<Record<string, number>>) {
  const batch = await counted(images, 50, pictureMs);
  return { ...batch, usdPer1000: total(price(batch).parts) };
}

/** Everything by image. */
interface Counted {
  readonly transitions: number;
  readonly invocations: Record<string, number>;
  /** By function: calls over the network. */
  readonly calls: Record<string, number>;
  /** By function: virtual milliseconds in which it waited for them, those at once counted once. */
  readonly waitMs: Record<string, number>;
  readonly writeUnits: Record<string, number>;
  readonly readUnits: number;
  readonly filePuts: number;
  readonly fileGets: number;
}

async function counted(
  images: number,
  imagesPerRequest: number,
  pictureMs: Readonly<Record<string, number>>,
): Promise<Counted> {
  const calls: Record<string, number> = {};
  const writeUnits: Record<string, number> = {};
  let readUnits = 0;
  const result = await simulate({
    seed: 1,
    images,
    imagesPerRequest,
    wanted: ["replicate"],
    jobMs: 5_000,
    recipe: DEFAULT_RECIPE,
    mishaps: NO_MISHAPS,
    hosts: { atBoundary: 0, atNewBoundary: 0, forsaken: 0, onMachines: 0 },
    faultsPerThousand: 0,
    limits: { m: 1_000_000_000, d: 1_000_000_000 },
    quiet: true,
    tookMsOf: (label) => {
      const ms = { ...LATENCY_MS, ...pictureMs }[label] ?? LATENCY_MS[label.split(".")[0] ?? ""] ?? 0;
      // Calls that all take the same would meet each other more often than real ones.
      return [Math.floor(ms * 0.7), Math.ceil(ms * 1.3)];
    },
    billed(call) {
      add(writeUnits, kindOf(call.kind), call.writeUnits / images);
      readUnits += call.readUnits / images;
    },
    called(by, label) {
      const name = /^lambda-\d+-(\w+)$/.exec(by)?.[1];
      const port = label.split(".")[0] ?? "";
      if (name !== undefined && LATENCY_MS[port] !== undefined) add(calls, name, 1 / images);
    },
  });
  if (result.problems.length > 0 || result.images.completed !== images) {
    throw new Error(
      `Not all images were completed: ${result.problems[0] ?? JSON.stringify(result.failures)}`,
    );
  }
  const { counts, blobRequests } = result;
  // The passes of the reconciler belong to the month, not to an image.
  const { reconcile, ...invocations } = counts.invocations;
  return {
    // One for the start of each execution.
    transitions: (total(counts.transitions) + (counts.transitions.Plan ?? 0)) / images,
    invocations: mapped(invocations, (number) => number / images),
    calls,
    waitMs: mapped(counts.billedMs, (ms) => ms / images),
    writeUnits,
    readUnits,
    filePuts: (blobRequests.put + blobRequests.copy) / images,
    fileGets: (blobRequests.get + blobRequests.head) / images,
  };
}

function price(counts: Counted) {
  const functionMs: Record<string, number> = {};
  let lambda = 0;
  for (const [name, times] of Object.entries(counts.invocations)) {
    const memoryMb = Object.entries(SIZES).find(([sized]) => sized === name)?.[1].memoryMb ?? 256;
    const cpuMs = CPU_MS_PER_INVOCATION + ((counts.calls[name] ?? 0) / times) * CPU_MS_PER_CALL;
    const ms = (counts.waitMs[name] ?? 0) / times + cpuMs / Math.min(1, memoryMb / MB_PER_CPU);
    functionMs[name] = ms;
    lambda +=
      times * (((Math.ceil(ms) / 1_000) * memoryMb) / 1_024) * PRICES.lambdaGbSecond +
      times * PRICES.lambdaCall;
  }
  const invocations = total(counts.invocations);
  const perImage = {
    stepFunctions: counts.transitions * PRICES.transition,
    lambda,
    files: counts.filePuts * PRICES.filePut + counts.fileGets * PRICES.fileGet,
    tableWrites: total(counts.writeUnits) * PRICES.tableWriteUnit,
    tableReads: counts.readUnits * PRICES.tableReadUnit,
    keys: KEY_CALLS * PRICES.keyCall,
    logs: ((invocations * LOG_KB_PER_INVOCATION) / 1_048_576) * PRICES.logGb,
    api: (counts.invocations.webhook ?? 0) * PRICES.apiCall,
  };
  return { functionMs, parts: mapped(perImage, (usd) => usd * 1_000) };
}

/** Medians over some pictures, in milliseconds of one processor: what `process` has. By the label of the call. */
async function measuredPicture(rounds = 7, warmUpRounds = 4): Promise<Record<string, number>> {
  const imaging = createImaging({ concurrency: 1 });
  const input = await modelOutput(PHOTO, 1_024);
  const provenance = {
    imageId: "img_bench",
    model: "sdxl",
    modelVersion: "1.0",
    createdAtMs: 0,
    title: "Bench",
    keywords: ["bench"],
  };
  const taken: Record<"open" | "measure" | "develop", number[]> = { open: [], measure: [], develop: [] };
  async function timed<T>(into: number[], work: () => Promise<T>): Promise<T> {
    const before = process.cpuUsage();
    const result = await work();
    const { user, system } = process.cpuUsage(before);
    into.push((user + system) / 1_000);
    return result;
  }
  for (let round = 0; round < warmUpRounds + rounds; round++) {
    const picture = await timed(taken.open, () => imaging.open(input));
    await timed(taken.measure, () => picture.measure());
    await timed(taken.develop, () => Array.fromAsync(picture.develop(DEFAULT_RECIPE, provenance)));
  }
  const median = (times: readonly number[]) =>
    times.slice(warmUpRounds).sort((one, other) => one - other)[rounds >> 1] ?? Number.NaN;
  return {
    "imaging.open": median(taken.open),
    "imaging.measure": median(taken.measure),
    // Asked for one rendition after the other, and once more for the end.
    "imaging.develop": median(taken.develop) / (DEFAULT_RECIPE.steps.length + 1),
  };
}

/** Kinds of items by their keys' first pieces; entries under positions have no kind of their own. */
function kindOf(key: string): string {
  const [partition = "", item = ""] = key.split(" ");
  return /^[A-Z]/.test(item) ? item : partition;
}

function add(sums: Record<string, number>, name: string, amount: number): void {
  sums[name] = (sums[name] ?? 0) + amount;
}

function total(numbers: Readonly<Record<string, number>>): number {
  return Object.values(numbers).reduce((sum, number) => sum + number, 0);
}

function mapped<K extends string>(
  numbers: Readonly<Record<K, number>>,
  change: (number: number) => number,
): Record<string, number> {
  return Object.fromEntries(Object.entries<number>(numbers).map(([name, number]) => [name, change(number)]));
}

function rounded(figure: number): number {
  return Math.round(figure * 10_000) / 10_000;
}
