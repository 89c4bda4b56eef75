/**
 * @module `npm run deploy -- --stage S` and `npm run dev -- --stage S`: the calendar compiled, then SST. A stage is always named:
 * SST's own default is a stage called after the user.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const [command = "", ...words] = process.argv.slice(2);

if (!words.some((word) => word === "--stage" || word.startsWith("--stage="))) {
  process.stderr.write(`Say which stage, as in \`npm run ${command} -- --stage trial\`.\n`);
  process.exit(2);
}
for (const script of [["scripts/templates.ts"], ["node_modules/sst/bin/sst.mjs", command, ...words]]) {
  const { status } = spawnSync(process.execPath, script, { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
