/**
 * @module `npm test [-- VITEST ARGUMENTS]`: every test that needs no account, once, on Node 24. After vitest's own report
 * comes one plain line, `N passed, N failed[, N skipped]`, for people who look only at the end and for programs.
 */
import { parseCLI, startVitest, type Vitest } from "vitest/node";

const { filter, options } = parseCLI(["vitest", "run", ...process.argv.slice(2)]);
const vitest = await startVitest("test", filter, { ...options, watch: false });
const counts = countsOf(vitest);
await vitest.close();
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed${skipped}\n`);
if (counts.failed > 0) process.exitCode = 1;

/** What fails outside of a test counts as a failed one: the last line never says less than the exit code. */
function countsOf({ state }: Vitest): { passed: number; failed: number; skipped: number } {
  const counts = { passed: 0, failed: state.getUnhandledErrors().length, skipped: 0 };
  for (const module of state.getTestModules()) {
    let failedTests = 0;
    for (const test of module.children.allTests()) {
      const { state: result } = test.result();
      if (result === "passed") counts.passed++;
      else if (result === "failed") failedTests++;
      else counts.skipped++;
    }
    // A file that cannot be loaded, or a hook that throws, has no test to show for it.
    counts.failed += !module.ok() && failedTests === 0 ? 1 : failedTests;
  }
  return counts;
}
