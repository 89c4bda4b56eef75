/** @module Memory over many pictures, opened, measured and developed one after the other in this process. */
import { fileURLToPath } from "node:url";
import { modelOutput } from "@atelier/imaging/baseline";
import { createImaging } from "@atelier/imaging/open";
import { DEFAULT_RECIPE } from "@atelier/imaging/renditions";

const PHOTO = fileURLToPath(new URL("../test/fixtures/photos/coffee.png", import.meta.url));
const MEGABYTE = 1024 * 1024;

export interface MemoryBench {
  /** The most resident memory seen after a picture, in MB. */
  peakMb: number;
  /** Mean resident memory over the last quarter of the pictures less that over the second quarter, in MB: flat is about 0. */
  growthMb: number;
}

export async function benchMemory(pictures = 200): Promise<MemoryBench> {
  const imaging = createImaging({ concurrency: 1 });
  const input = await modelOutput(PHOTO, 1024);
  const residentMb: number[] = [];
  for (let index = 0; index < pictures; index++) {
    const picture = await imaging.open(input);
    await picture.measure();
    const provenance = {
      imageId: `img_bench_${index}`,
      model: "sdxl",
      modelVersion: null,
      createdAtMs: 0,
      title: "Bench",
      keywords: [],
    };
    for await (const _ of picture.develop(DEFAULT_RECIPE, provenance));
    residentMb.push(process.memoryUsage.rss() / MEGABYTE);
  }
  const quarter = Math.max(1, pictures >> 2);
  return {
    peakMb: Math.round(Math.max(...residentMb)),
    growthMb: Math.round(mean(residentMb.slice(-quarter)) - mean(residentMb.slice(quarter, 2 * quarter))),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
