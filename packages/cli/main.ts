/** @module What the launcher runs: `atelier` with the arguments of this process. */
import { processIo } from "./process-io.ts";
import { runCommandLine } from "./run.ts";

const exitCode = await runCommandLine(process.argv.slice(2), processIo());
// Not before everything is written; and a handle that somebody left open must not keep a finished command alive.
process.stdout.write("", () => process.exit(exitCode));
