/**
 * @module One shard of the simulation in a process of its own: `node bench/simulation-shard.ts SEED IMAGES [real]` prints what it came
 * to. `real`: with sharp, as the test in small has it.
 */
import { createImaging } from "@atelier/imaging/open";
import { simulate } from "../test/simulation/simulation.ts";

const [seed, images, imaging] = process.argv.slice(2);
const result = await simulate({
  seed: Number(seed),
  images: Number(images),
  ...(imaging === "real" && { imaging: createImaging({ concurrency: 1 }) }),
});
process.stdout.write(JSON.stringify(result), () => process.exit(0));
