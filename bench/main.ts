/**
 * @module `npm run bench [-- NAME ... [--OPTION VALUE ...]]`: measures, and prints one JSON object: a group of figures for each name, and the
 * targets beside them. Each part runs in a process of its own, so that none finds the other's memory or compiled code.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { FUNCTION_TARGETS } from "./functions.ts";

/** Name to its bench; loaded only where it runs. */
const BENCHES: Readonly<Record<string, (options: readonly string[]) => Promise<object>>> = {
  imaging: async () => (await import("./imaging.ts")).benchImaging(),
  orchestration: async () => (await import("./orchestration.ts")).benchOrchestration(),
  memory: async () => (await import("./memory.ts")).benchMemory(),
  provenance: async () => (await import("./provenance.ts")).benchProvenance(),
  bundles: async () => (await import("./functions.ts")).benchFunctionBundles(),
  adapter: async () => (await import("./adapter.ts")).benchAdapter(),
  inspection: async () => (await import("./inspection.ts")).benchInspection(),
  pacing: async () => (await import("./pacing.ts")).benchPacing(),
  cost: async () => (await import("./cost.ts")).benchCost(),
  faults: async (options) => (await import("./faults.ts")).benchFaults(options),
  hostile: async (options) => (await import("./hostile.ts")).benchHostile(options),
  accept: async (options) => (await import("./accept.ts")).benchAccept(options),
  policy: async () => (await import("./policy.ts")).benchPolicy(),
  library: async (options) => (await import("./library.ts")).benchLibrary(options),
  serve: async (options) => {
    const { benchServe, serveBenchOptions } = await import("./serve.ts");
    return benchServe(serveBenchOptions(options));
  },
  "serve-kills": async () => (await import("./serve-kills.ts")).benchServeKills(),
};

/** Run only when named: it takes minutes. */
const ON_REQUEST: ReadonlySet<string> = new Set([
  "accept",
  "faults",
  "hostile",
  "inspection",
  "serve",
  "serve-kills",
  "library",
]);

/** The most that each figure may be. */
const TARGETS: Readonly<Record<string, object>> = {
  imaging: { encodeRatio: 1.25, naiveRatio: 1 },
  orchestration: { p50Ms: 30, p95Ms: 100, learningLagP95Ms: 50 },
  memory: { growthMb: 20 },
  pacing: { makespanRatio: 1.02, rateLimited: 0 },
  provenance: { signMs: 25, signP95Ms: 25, manifestKb: 8 },
  bundles: FUNCTION_TARGETS,
  adapter: { smallP50Ratio: 1.15, largeCpuRatio: 0.6, largeMemoryRatio: 0.5 },
  inspection: { medianMs: 1_000, growthMb: 20 },
  cost: { usdPer1000: 0.26 },
  faults: {
    simulation: { unaccounted: 0, lostPictures: 0, boughtTwice: 0, overspentWrites: 0, leakedHolds: 0 },
    ledger: { overspent: 0, leakedHolds: 0, differenceMicros: 0 },
    idle: { transitionsRatio: 1.02, invocationsRatio: 1.02, billedRatio: 1.02 },
    cost: { usdPer1000: 0.26 },
  },
  accept: { cpuRatio: 1.3, largeCpuRatio: 1.3, writes: 2, largeWrites: 2, reads: 0.05, expandGrowthMb: 20 },
  library: { p95Ms: 100, scans: 0 },
  policy: { misses: 0, falsePositives: 0.02, fuzzThrough: 0, judgeMs: 1 },
  serve: { errors: 0, ratio: 5, growthMb: 50 },
  "serve-kills": { unknown: 0, twice: 0, boughtTwice: 0 },
};

/** What a part is told in its own process. */
const ALONE = "--alone=";
const MAIN = fileURLToPath(import.meta.url);

const [first = "", ...rest] = process.argv.slice(2);
const alone = first.startsWith(ALONE) ? BENCHES[first.slice(ALONE.length)] : undefined;
if (alone) process.stdout.write(JSON.stringify(await alone(rest)));
else {
  // `--seed S --images N` are for the parts that take them.
  const given = [first, ...rest].filter((argument) => argument !== "");
  const optionsAt = given.findIndex((argument) => argument.startsWith("--"));
  const names = optionsAt < 0 ? given : given.slice(0, optionsAt);
  const standing = Object.keys(BENCHES).filter((name) => !ON_REQUEST.has(name));
  measure(names.length > 0 ? names : standing, optionsAt < 0 ? [] : given.slice(optionsAt));
}

function measure(names: readonly string[], options: readonly string[]): void {
  const unknown = names.filter((name) => BENCHES[name] === undefined);
  if (unknown.length > 0) {
    process.stderr.write(
      `There is no bench ${unknown.join(", ")}; take some of ${Object.keys(BENCHES).join(", ")}.\n`,
    );
    process.exitCode = 2;
    return;
  }
  const figures: Record<string, unknown> = {};
  // One after the other: they are to measure themselves, not each other.
  for (const name of names) {
    process.stderr.write(`${name} ...\n`);
    const { status, stdout } = spawnSync(
      process.execPath,
      [...process.execArgv, MAIN, ALONE + name, ...options],
      {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    if (status !== 0) {
      process.exitCode = 1;
      return;
    }
    figures[name] = JSON.parse(stdout);
  }
  const targets = Object.fromEntries(names.map((name) => [name, TARGETS[name]]));
  process.stdout.write(`${JSON.stringify({ ...figures, targets }, null, 2)}\n`);
}
