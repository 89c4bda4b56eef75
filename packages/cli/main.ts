/** @module What the launcher runs: `atelier` with the arguments of this process. */
import { runProcess } from "./run-process.ts";

await runProcess(process.argv.slice(2));
