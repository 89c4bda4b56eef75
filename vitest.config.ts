import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Minutes, where others take seconds: they come first, so that nobody waits for them alone at the end. */
const LONG = /\/test\/(e2e|workflow|hostile|aws|sdk|journey|simulation|contract)\//;

const ALL = ["packages/**/*.test.ts", "test/**/*.test.ts"];
const FUNCTIONS = ["test/aws/**/*.test.ts", "packages/aws/telemetry.test.ts"];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification) => LONG.test(moduleId);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    projects: [
      // A worker loads the product once and not for each file: a fifth of all time.
      { extends: true, test: { name: "product", include: ALL, exclude: FUNCTIONS, isolate: false } },
      // A function keeps what its first event has opened, as on AWS.
      { extends: true, test: { name: "functions", include: FUNCTIONS, isolate: true } },
    ],
    // Two cores, and a third worker for what waits for a process or a timer; every file starts its own engines on private
    // sockets and folders.
    pool: "forks",
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
