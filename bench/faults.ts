/** @module The kills of `test/e2e/kill.test.ts` in full number: thirty seeded moments instead of the few of `npm test`. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const KILLS = 30;

/** @throws Error when an image was lost, bought twice, or money leaked; the test's report is on standard error */
export async function benchFaults(): Promise<{ kills: number; minutes: number }> {
  const startedAtMs = performance.now();
  const { status } = spawnSync(
    process.execPath,
    ["node_modules/vitest/vitest.mjs", "run", "test/e2e/kill.test.ts", "--testNamePattern", "random moments"],
    {
      cwd: ROOT,
      env: { ...process.env, ATELIER_TEST_KILLS: String(KILLS) },
      stdio: ["ignore", process.stderr.fd, process.stderr.fd],
    },
  );
  if (status !== 0) throw new Error("A killed run was not brought to its end; see the report above.");
  return { kills: KILLS, minutes: Math.round((performance.now() - startedAtMs) / 6_000) / 10 };
}
