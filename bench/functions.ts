/**
 * @module What the Lambdas weigh: each entry of packages/functions bundled by esbuild as the SST CLI does it (one ES module,
 * names kept, minified, a banner that makes `require`), and what is installed beside the one that makes pictures.
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type BuildResult, build, type Plugin } from "esbuild";
import { BESIDE_PROCESS, NEVER_LOADED } from "../stacks/bundling.ts";

export const FUNCTION_NAMES = [
  "plan",
  "validate",
  "generate",
  "collect",
  "process",
  "record",
  "abandon",
  "reconcile",
  "webhook",
  "start",
  "reprocess",
  "notify",
  "api",
  "claims",
  "attest",
  "daily",
] as const;
export type FunctionName = (typeof FUNCTION_NAMES)[number];

/** Minified, in kB of 1000 bytes: beyond it a cold start is felt. */
const FUNCTION_BUDGET_KB = 900;
/** What encrypts prompts (AWS Encryption SDK, KMS) is 370 kB: half of it streams and numbers that Node has of its own. */
const WITH_PROMPTS_BUDGET_KB = 1_200;
/**
 * The whole API: 1,970 kB when it was written. Beyond what `start` has, zod whole with its languages (380 kB, which
 * `@hono/zod-openapi` imports by name), the providers whose jobs it stops, S3, and the routes.
 */
const API_BUDGET_KB = 2_100;
const WITH_PROMPTS: ReadonlySet<FunctionName> = new Set(["plan", "validate", "generate", "start"]);

/** The most that a function's bundle may weigh, in kB of 1000 bytes. */
export function functionBudgetKb(name: FunctionName): number {
  if (name === "api") return API_BUDGET_KB;
  return WITH_PROMPTS.has(name) ? WITH_PROMPTS_BUDGET_KB : FUNCTION_BUDGET_KB;
}
/** Unzipped, in MB of 1,000,000 bytes: far below Lambda's 250. */
export const PROCESS_PACKAGE_BUDGET_MB = 60;

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const BESIDE = Object.keys(BESIDE_PROCESS);
const BANNER = [
  "import { createRequire as topLevelCreateRequire } from 'module';",
  "const require = topLevelCreateRequire(import.meta.url);",
  'import { fileURLToPath as topLevelFileUrlToPath, URL as topLevelURL } from "url"',
  "const __filename = topLevelFileUrlToPath(import.meta.url)",
  'const __dirname = topLevelFileUrlToPath(new topLevelURL(".", import.meta.url))',
].join("\n");

export interface FunctionBundle {
  /** Minified, in kB of 1000 bytes. */
  readonly kb: number;
  /** Files that went into it, relative to the checkout. */
  readonly inputs: readonly string[];
  /** Packages that it loads from beside itself. */
  readonly beside: readonly string[];
  readonly text: string;
}

/** All of them as they stand, made at once: esbuild then reads what they share once, which is most of the work. */
let whole: Promise<Bundled> | undefined;

/**
 * Needs `dist/`: `compileCatalogue` first. Made once in a process.
 *
 * @param extra modules besides: for the test that a bundle can be too heavy
 */
export async function bundleFunction(
  name: FunctionName,
  extra: readonly string[] = [],
): Promise<FunctionBundle> {
  if (extra.length === 0) {
    whole ??= bundled(
      FUNCTION_NAMES.map((each) => ({ in: join("packages", "functions", `${each}.ts`), out: each })),
    );
    return bundleIn(await whole, name, `packages/functions/${name}.ts`);
  }
  const folder = join(ROOT, "packages", "functions");
  const more = extra.map((module, index) => `export * as extra${index} from "${module}";`);
  const contents = [`export { handler } from "./${name}.ts";`, ...more].join("\n");
  const heavier = await bundled([{ in: "heavier", out: name }], {
    name: "heavier",
    setup(builder) {
      builder.onResolve({ filter: /^heavier$/ }, ({ path }) => ({ path, namespace: path }));
      builder.onLoad({ filter: /.*/, namespace: "heavier" }, () => ({ contents, resolveDir: folder }));
    },
  });
  return bundleIn(heavier, name, "heavier:heavier");
}

type Bundled = BuildResult<{ write: false; metafile: true }>;

function bundled(entryPoints: { in: string; out: string }[], ...plugins: Plugin[]): Promise<Bundled> {
  return build({
    entryPoints,
    absWorkingDir: ROOT,
    outdir: "bundles",
    bundle: true,
    minify: true,
    keepNames: true,
    format: "esm",
    platform: "node",
    target: "es2024",
    mainFields: ["module", "main"],
    external: [...BESIDE, ...NEVER_LOADED],
    banner: { js: BANNER },
    plugins,
    write: false,
    metafile: true,
    logLevel: "error",
  });
}

function bundleIn({ outputFiles, metafile }: Bundled, name: FunctionName, entry: string): FunctionBundle {
  const output = outputFiles.find(({ path }) => path === join(ROOT, "bundles", `${name}.js`));
  if (!output) throw new Error(`esbuild made no bundle of ${name}.`);
  // All that can be reached, whether or not anything of it was left in.
  const inputs = new Set([entry]);
  const beside = new Set<string>();
  for (const path of inputs) {
    for (const imported of metafile.inputs[path]?.imports ?? []) {
      if (!imported.external) inputs.add(imported.path);
      else if (BESIDE.includes(imported.path)) beside.add(imported.path);
    }
  }
  return {
    kb: Math.round(output.contents.byteLength / 100) / 10,
    inputs: [...inputs],
    beside: BESIDE.filter((path) => beside.has(path)),
    text: output.text,
  };
}

/** What each figure of `benchFunctionBundles` may be at most. */
export const FUNCTION_TARGETS: Readonly<Record<string, number>> = {
  ...Object.fromEntries(FUNCTION_NAMES.map((name) => [`${name}Kb`, functionBudgetKb(name)])),
  processPackageMb: PROCESS_PACKAGE_BUDGET_MB,
};

/** `{name}Kb` for every function, of `process` the bundle alone; `processPackageMb` is that with what is installed beside it. */
export async function benchFunctionBundles(): Promise<Record<string, number>> {
  const { compileCatalogue } = await import("../scripts/templates.ts");
  await compileCatalogue();
  const sizes: Record<string, number> = {};
  for (const name of FUNCTION_NAMES) sizes[`${name}Kb`] = (await bundleFunction(name)).kb;
  return { ...sizes, processPackageMb: (await processPackage()).mb };
}

export interface ProcessPackage {
  /** Unzipped, in MB of 1,000,000 bytes. */
  readonly mb: number;
  /** Files that the machine loads as code, with the machine that each is for. */
  readonly native: readonly { readonly path: string; readonly machine: "arm64" | "x64" | "other" }[];
}

/** The whole package of `process` for arm64: the bundle, and what the SST CLI installs beside it. Kept for the next time. */
export async function processPackage(): Promise<ProcessPackage> {
  const { text } = await bundleFunction("process");
  const folder = await installedBeside();
  const native: ProcessPackage["native"][number][] = [];
  let bytes = Buffer.byteLength(text);
  for (const path of await readdir(folder, { recursive: true })) {
    const file = await stat(join(folder, path));
    if (!file.isFile()) continue;
    bytes += file.size;
    if (/\.node$|\.so(\.|$)/.test(path)) {
      native.push({ path, machine: machineOf(await readFile(join(folder, path))) });
    }
  }
  return { mb: Math.round(bytes / 100_000) / 10, native };
}

/** Installs once a version, into a folder of its own that appears when it is whole. */
async function installedBeside(): Promise<string> {
  const cache = join(ROOT, "node_modules", ".cache", "atelier");
  const versions = Object.entries(BESIDE_PROCESS).map(([name, version]) => `${basename(name)}-${version}`);
  const folder = join(cache, `${versions.join("-")}-linux-arm64`);
  if (await stat(folder).catch(() => null)) return folder;
  await mkdir(cache, { recursive: true });
  const making = await mkdtemp(join(cache, "making-"));
  try {
    await writeFile(join(making, "package.json"), JSON.stringify({ dependencies: BESIDE_PROCESS }));
    const flags = [
      "--force",
      "--platform=linux",
      "--os=linux",
      "--arch=arm64",
      "--cpu=arm64",
      "--libc=glibc",
    ];
    await promisify(execFile)("npm", ["install", "--no-audit", "--no-fund", ...flags], { cwd: making });
    await rename(making, folder);
  } catch (error) {
    await rm(making, { recursive: true, force: true });
    // Somebody else may have been quicker.
    if (!(await stat(folder).catch(() => null))) throw error;
  }
  return folder;
}

/** The machine in an ELF header. */
function machineOf(file: Buffer): "arm64" | "x64" | "other" {
  if (file.subarray(0, 4).toString("latin1") !== "\x7fELF") return "other";
  const machine = file.readUInt16LE(18);
  return machine === 0xb7 ? "arm64" : machine === 0x3e ? "x64" : "other";
}
