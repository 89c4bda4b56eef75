/** @module `npm run demo -- [--date D]`: the calendar's plan of a day, made into a new folder by the sandbox. */
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { runProcess } from "../packages/cli/run-process.ts";

const checkout = fileURLToPath(new URL("..", import.meta.url));
const startedAt = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-");
const folder = join(checkout, ".atelier", `demo-${startedAt}`);

// To standard error, so that `npm run demo -- --json` has nothing but documents on standard output.
process.stderr.write(
  `Atelier makes what its calendar asks for, into ${relative(process.cwd(), folder) || folder}.
The pictures are placeholders of the sandbox: nothing is bought, and no key is needed.

`,
);
await runProcess(["plan", "--run", ...process.argv.slice(2), "--data", folder, "--provider", "sandbox"]);
