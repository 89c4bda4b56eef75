/** @module A server of its own process, as a person starts it: `atelier serve` through the launcher, on a folder of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import * as z from "zod";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const LAUNCHER = fileURLToPath(new URL("../packages/cli/atelier.mjs", import.meta.url));

/** Small pictures of a category that everybody may see: what is measured does not depend on what they show. */
export const SMALL_WISH = { category: "weekend_special", parameters: { width: 256, height: 256 } } as const;

/** More than anything here costs: the sandbox's prices are those of the models that it imitates. */
const BUDGET = { ATELIER_BUDGET_USD: "100000", ATELIER_BUDGET_MONTH_USD: "100000" };

const printedSchema = z.object({ url: z.string(), token: z.string() });

export interface ServerProcess {
  readonly url: string;
  readonly token: string;
  /** What it wrote to standard error so far. */
  stderr(): string;
  /** Megabytes that the process holds; 0 where the system does not tell. */
  residentMb(): number;
  /** Milliseconds of processor time that it has used; 0 where the system does not tell. */
  cpuMs(): number;
  /** SIGKILL to the whole group; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM. @returns the exit code */
  stop(): Promise<number | null>;
}

/** @throws Error with what it wrote, when it ends instead of serving */
export async function startServer(dataFolder: string, words: readonly string[] = []): Promise<ServerProcess> {
  const child = spawn(
    process.execPath,
    [LAUNCHER, "serve", "--port", "0", "--json", "--no-calendar", "--data", dataFolder, ...words],
    {
      cwd: ROOT,
      // A group of its own: a kill takes whatever it has started.
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: process.env.TMPDIR, ...BUDGET },
    },
  );
  let written = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    written += text;
  });
  const ended = once(child, "close");
  const { url, token } = await printed(child, ended, () => written);
  const { pid = 0 } = child;
  return {
    url,
    token,
    stderr: () => written,
    residentMb: () => residentMb(pid),
    cpuMs: () => cpuMs(pid),
    async kill() {
      if (child.exitCode === null && child.signalCode === null) process.kill(-pid, "SIGKILL");
      await ended;
    },
    async stop() {
      child.kill("SIGTERM");
      await ended;
      return child.exitCode;
    },
  };
}

async function printed(child: ChildProcess, ended: Promise<unknown>, stderr: () => string) {
  if (!child.stdout) throw new Error("The server has no standard output.");
  const lines = createInterface({ input: child.stdout });
  const line = await Promise.race([once(lines, "line"), ended.then(() => null)]);
  if (line === null) throw new Error(`The server ended with ${child.exitCode}: ${stderr()}`);
  return printedSchema.parse(JSON.parse(String(line[0])));
}

function residentMb(pid: number): number {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return Math.round(Number(kilobytes ?? 0) / 1024);
  } catch {
    return 0;
  }
}

/** Linux counts hundredths of a second: user time and system time, places 14 and 15 of the line. */
function cpuMs(pid: number): number {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second place is a name in brackets, which may hold blanks.
    const places = line.slice(line.lastIndexOf(")") + 2).split(" ");
    return 10 * (Number(places[11]) + Number(places[12]));
  } catch {
    return 0;
  }
}

/** Runs a command of `atelier` on the folder and answers how it ended. */
export async function runCommand(
  dataFolder: string,
  words: readonly string[],
): Promise<{ readonly exitCode: number | null; readonly stdout: string; readonly stderr: string }> {
  const child = spawn(process.execPath, [LAUNCHER, ...words, "--data", dataFolder], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: process.env.TMPDIR, ...BUDGET },
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  await once(child, "close");
  return { exitCode: child.exitCode, ...output };
}
