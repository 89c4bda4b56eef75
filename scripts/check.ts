/** @module `npm run check`: format, lint and types. Both tools always run, and show every problem that they find. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** JavaScript files, so that they run by the very Node that runs this. */
const TOOLS = [
  {
    script: "@biomejs/biome/bin/biome",
    words: ["check", "--max-diagnostics=none", "--error-on-warnings", "."],
  },
  { script: "typescript/bin/tsc", words: ["--noEmit", "--pretty", String(process.stdout.isTTY ?? false)] },
];

for (const { script, words } of TOOLS) {
  const path = join(root, "node_modules", script);
  const { status, error } = spawnSync(process.execPath, [path, ...words], { cwd: root, stdio: "inherit" });
  if (error) process.stderr.write(`${script} could not be started (${error.message}); run \`npm ci\`.\n`);
  if (status !== 0) process.exitCode = 1;
}
