/**
 * @module Finds a Node that runs TypeScript (24 or newer) and runs a script with it. Plain JavaScript for Node 20, since
 * this is what runs before anything is known to be installed.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";

export const OLDEST_HOST = 20;
const TYPESCRIPT_SINCE = 24;

/** @returns {string | undefined} what is wrong with the Node that runs this, as one sentence */
export function hostProblem(version = process.versions.node) {
  return majorOf(version) >= OLDEST_HOST
    ? undefined
    : `This is Node ${version}, but Atelier needs Node ${OLDEST_HOST} or newer; install one from https://nodejs.org.`;
}

/**
 * The host's own Node if it is new enough, else the one that `npm ci` installed.
 *
 * @param {string} root the checkout
 * @returns {string | undefined} its path; undefined when there is none yet
 */
export function findNode(root, version = process.versions.node) {
  if (majorOf(version) >= TYPESCRIPT_SINCE) return process.execPath;
  return installedNodePaths(root).find((path) => existsSync(path));
}

const NODE_OPTIONS = [
  "--disable-warning=ExperimentalWarning",
  // Megabytes, for each thread. On a large machine V8 would take 64, twice, for objects that live no longer than an answer, and let
  // the rest of the heap grow to four times what is used, and to half a gigabyte or more before it looks for the first time. Below
  // 2 GB it is content with twice as much. With 16 instead of 32 a server under fifty clients collects twice as often what they are
  // still waiting for: a tenth of its work.
  "--max-semi-space-size=32",
  "--max-old-space-size=1536",
  "--initial-old-space-size=128",
];

/**
 * Runs a script in this process's place: same terminal, same process group, its exit code (or its signal) is ours. Where Node can
 * (22.15 on, not on Windows), it is the very same process; else a child, which can see that we are gone.
 *
 * @param {string} node path of Node 24 or newer
 * @param {string} script path of a TypeScript file
 * @param {readonly string[]} scriptArguments
 */
export function runScript(node, script, scriptArguments) {
  const nodeArguments = [...NODE_OPTIONS, script, ...scriptArguments];
  const env = {
    // Stripped and compiled sources are kept between runs: a third of the start-up. A folder that cannot be written is
    // ignored by Node.
    NODE_COMPILE_CACHE: join(import.meta.dirname, "../../node_modules/.cache/compiled"),
    // glibc gives each thread of libvips an arena of its own, and memory creeps up with every picture; two are enough. And it
    // would come to keep the memory of pictures for smaller things, which then stand in the way of the next ones.
    MALLOC_ARENA_MAX: "2",
    MALLOC_MMAP_THRESHOLD_: "131072",
    MALLOC_TRIM_THRESHOLD_: "131072",
    ...process.env,
  };
  if (process.platform !== "win32" && typeof process.execve === "function") {
    process.execve(node, [node, ...nodeArguments], env);
  }
  const child = spawn(node, nodeArguments, {
    stdio: "inherit",
    env: { ...env, ATELIER_LAUNCHER_PID: String(process.pid) },
  });
  // A terminal sends its signals to the whole group, so the child has them already; passing them on would make two.
  const atTerminal = [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      if (signal === "SIGTERM" || !atTerminal) child.kill(signal);
    });
  }
  child.on("error", (error) => {
    process.stderr.write(`${node} could not be started (${error.message}).\n`);
    process.exit(2);
  });
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    // Whoever started us shall see the same end; the number is for systems where a signal cannot be sent to oneself.
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    setTimeout(() => process.exit(128 + (constants.signals[signal] ?? 0)), 1000);
  });
}

/** @param {string} root */
function installedNodePaths(root) {
  const folder = join(root, "node_modules", "node", "bin");
  return [join(folder, "node.exe"), join(folder, "node")];
}

/** @param {string} version */
function majorOf(version) {
  return Number(version.split(".")[0]);
}
