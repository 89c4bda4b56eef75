/** @module How long the embedded classifier takes for a picture, and its memory over many, one after the other. */
import { fileURLToPath } from "node:url";
import { modelOutput } from "@atelier/imaging/baseline";
import { createImaging } from "@atelier/imaging/open";
import { openInspection } from "@atelier/inspection/classifier";

const PHOTOS = ["coffee.png", "astronaut.png"];
const MEGABYTE = 1024 * 1024;

export interface InspectionBench {
  /** From nothing to the first answer: the models are loaded with the first picture. */
  firstMs: number;
  /** For a picture of 1024 x 1024. */
  medianMs: number;
  p95Ms: number;
  /** Processor time of a picture, whatever else the machine does: mean, all threads. */
  cpuMs: number;
  /** The longest that this thread was held up meanwhile, beyond a turn of 5 ms. */
  stalledMs: number;
  /** The most resident memory seen after a picture, in MB; the models' thread is in it. */
  peakMb: number;
  /** Mean resident memory over the last quarter of the pictures less that over the second quarter, in MB: flat is about 0. */
  growthMb: number;
}

export async function benchInspection(pictures = 200): Promise<InspectionBench> {
  const classifier = openInspection();
  if (!classifier) throw new Error("The models are not installed; run npm ci, then the bench again.");
  const imaging = createImaging({ concurrency: 1 });
  const inputs = await Promise.all(
    PHOTOS.map(async (name) =>
      imaging.open(
        await modelOutput(fileURLToPath(new URL(`../test/fixtures/photos/${name}`, import.meta.url)), 1024),
      ),
    ),
  );
  const tookMs: number[] = [];
  let cpuBefore = process.cpuUsage();
  const residentMb: number[] = [];
  let stalledMs = 0;
  let turned = performance.now();
  const turning = setInterval(() => {
    const now = performance.now();
    stalledMs = Math.max(stalledMs, now - turned - 5);
    turned = now;
  }, 5);
  for (let index = 0; index <= pictures; index++) {
    const picture = inputs[index % inputs.length];
    if (!picture) throw new Error("There is no photograph.");
    // The first one loads the models.
    if (index === 1) cpuBefore = process.cpuUsage();
    const began = performance.now();
    const said = await classifier.classify(picture);
    if (said.kind === "failed") throw new Error(`The classifier failed: ${said.reason}.`);
    tookMs.push(performance.now() - began);
    residentMb.push(process.memoryUsage.rss() / MEGABYTE);
  }
  clearInterval(turning);
  const { user, system } = process.cpuUsage(cpuBefore);
  await classifier.close();
  const [firstMs = 0, ...later] = tookMs;
  const sorted = later.toSorted((one, other) => one - other);
  const quarter = Math.max(1, pictures >> 2);
  return {
    firstMs: Math.round(firstMs),
    medianMs: Math.round(sorted[sorted.length >> 1] ?? 0),
    p95Ms: Math.round(sorted[Math.floor(sorted.length * 0.95)] ?? 0),
    cpuMs: Math.round((user + system) / 1_000 / pictures),
    stalledMs: Math.round(stalledMs),
    peakMb: Math.round(Math.max(...residentMb)),
    growthMb: Math.round(mean(residentMb.slice(-quarter)) - mean(residentMb.slice(quarter, 2 * quarter))),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
