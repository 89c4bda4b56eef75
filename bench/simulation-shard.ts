/** @module One shard of the simulation in a process of its own: `node bench/simulation-shard.ts SEED IMAGES` prints what it came to. */
import { simulate } from "../test/simulation/simulation.ts";

const [seed = 0, images = 0] = process.argv.slice(2).map(Number);
const result = await simulate({ seed, images });
process.stdout.write(JSON.stringify(result), () => process.exit(0));
