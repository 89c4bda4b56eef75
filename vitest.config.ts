import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Minutes, where others take seconds: they come first, so that nobody waits for them alone at the end. */
const LONG = /\/test\/(e2e|workflow)\//;

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification) => LONG.test(moduleId);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    include: ["packages/**/*.test.ts", "test/**/*.test.ts"],
    // Two cores: two workers; every file starts its own engines on private sockets and folders.
    pool: "forks",
    maxWorkers: 2,
    // A worker loads the product once and not for each file: a fifth of all time. No module keeps what a test could change.
    isolate: false,
    sequence: { sequencer: LongestFirst },
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
