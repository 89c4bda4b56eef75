/**
 * @module The platform of SST (its components and Pulumi's SDKs), installed from npm without an account, the Pulumi engine or
 * anything outside of this checkout: `sst install` asks for two programs in its configuration folder, bun, which
 * comes from npm, and pulumi, of which it only wants to hear a version.
 */
import { type ExecFileException, execFile } from "node:child_process";
import { chmod, copyFile, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** As `sst` 4.17.1 wants it. */
const BUN_VERSION = "1.2.1";
const PULUMI_VERSION = "v3.215.0";

/** Runs a program in the checkout. @throws with its output when it fails */
export type Run = (
  program: string,
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
) => Promise<string>;

export interface Installed {
  readonly fresh: boolean;
}

/**
 * Installs what is missing: about 400 MB in `.sst/` and 200 in `.sst-config/`, both ignored by git. What is there already for
 * this version of SST and these providers is taken as it is.
 *
 * @throws Error of one sentence
 */
export async function installPlatform(root: string, run: Run = runIn(root)): Promise<Installed> {
  const own = join(root, ".sst-config");
  const stamp = join(own, "installed.json");
  const wanted = JSON.stringify({
    sst: await versionOf(root),
    bun: BUN_VERSION,
    config: await providersOf(root),
  });
  const standing = await readFile(stamp, "utf8").catch(() => null);
  if (standing === wanted && (await exists(join(root, ".sst", "platform", "config.d.ts")))) {
    return { fresh: false };
  }
  try {
    await rm(stamp, { force: true });
    await installPrograms(own, run);
    await run(
      process.execPath,
      [join(root, "node_modules", "sst", "bin", "sst.mjs"), "install", "--stage", "dev"],
      {
        // Somebody's real configuration and cache stay as they are.
        XDG_CONFIG_HOME: own,
        BUN_INSTALL_CACHE_DIR: join(own, "bun-cache"),
        SST_TELEMETRY_DISABLED: "1",
      },
    );
    await writeFile(stamp, wanted);
  } catch (error) {
    throw new Error(
      `The infrastructure cannot be checked: the SST platform could not be installed (${reasonOf(error)}); ` +
        "make the npm registry reachable and run `npm test` again.",
      { cause: error },
    );
  }
  return { fresh: true };
}

/** bun is in no lock file of ours: npm ci refuses one that lists packages of other systems it cannot resolve. */
async function installPrograms(own: string, run: Run): Promise<void> {
  const bunPackage = `@oven/bun-${process.platform}-${process.arch === "arm64" ? "aarch64" : process.arch}`;
  const cache = join(own, "bun");
  const programs = join(own, "sst", "bin");
  await Promise.all([mkdir(cache, { recursive: true }), mkdir(programs, { recursive: true })]);
  const flags = ["--no-audit", "--no-fund", "--ignore-scripts", "--no-save", "--loglevel=error"];
  await run("npm", ["install", "--prefix", cache, ...flags, `${bunPackage}@${BUN_VERSION}`], {});
  await copyFile(join(cache, "node_modules", bunPackage, "bin", "bun"), join(programs, "bun"));
  await writeFile(join(programs, "pulumi"), `#!/bin/sh\necho ${PULUMI_VERSION}\n`);
  await Promise.all(["bun", "pulumi"].map((name) => chmod(join(programs, name), 0o755)));
}

export function runIn(root: string): Run {
  return (program, words, environment) =>
    new Promise((resolve, reject) => {
      const options = { cwd: root, env: { ...process.env, ...environment }, maxBuffer: 64 * 1024 * 1024 };
      execFile(program, words, options, (error, stdout, stderr) => {
        if (error) reject(Object.assign(error, { output: `${stdout}\n${stderr}` }));
        else resolve(stdout);
      });
    });
}

/** The line in which npm names its reason, else its error's code, else the last line of whatever was said. */
function reasonOf(error: unknown): string {
  const failure = error as Partial<ExecFileException> & { output?: string };
  const said = (failure.output ?? failure.message ?? String(error)).split("\n").map((line) => line.trim());
  const lines = said.filter((line) => line !== "");
  const naming = [/\breason: /, /^npm error code /].map((pattern) =>
    lines.find((line) => pattern.test(line)),
  );
  return naming.find((line) => line !== undefined) ?? lines.at(-1) ?? "no reason was given";
}

async function versionOf(root: string): Promise<string> {
  const text = await readFile(join(root, "node_modules", "sst", "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/** The line of sst.config.ts that says which providers to install. */
async function providersOf(root: string): Promise<string> {
  const text = await readFile(join(root, "sst.config.ts"), "utf8");
  return text.split("\n").find((line) => /^\s*aws: \{ version:/.test(line)) ?? "";
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
