/**
 * @module `node scripts/run.mjs SCRIPT ARGUMENTS...`: installs what is missing, then runs a TypeScript file on Node 24. Plain
 * JavaScript without dependencies: in a fresh clone there is nothing else.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { findNode, hostProblem, runScript } from "../packages/cli/node24.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Ends the run with one sentence. */
class Refusal extends Error {}

function main([script, ...scriptArguments]) {
  const problem = hostProblem();
  if (problem) throw new Refusal(problem);
  if (script === undefined)
    throw new Refusal("Say which script to run: node scripts/run.mjs SCRIPT ARGUMENTS...");
  if (!isInstalled()) install();
  const node = findNode(root) ?? installNode();
  runScript(node, resolve(script), scriptArguments);
}

/** Whether node_modules is what package-lock.json says. */
function isInstalled() {
  const wanted = join(root, "package-lock.json");
  const installed = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(installed)) return false;
  if (statSync(wanted).mtimeMs <= statSync(installed).mtimeMs) return true;
  // A lock file that is merely younger (a checkout, `npm install` writes it last) is no reason to install again.
  const { packages } = JSON.parse(readFileSync(wanted, "utf8"));
  const present = JSON.parse(readFileSync(installed, "utf8")).packages;
  return Object.entries(packages).every(
    ([path, entry]) =>
      // Ourselves, and what may be left out on this system.
      !path.includes("node_modules/") ||
      (entry.optional && !present[path]) ||
      (present[path]?.version === entry.version && present[path]?.link === entry.link),
  );
}

function install() {
  process.stderr.write("Installing what is missing (npm ci), once...\n");
  const ended = npm(["ci", "--no-audit", "--no-fund"]);
  if (ended.status === 0) return;
  process.stderr.write(outputOf(ended));
  throw new Refusal(
    "npm ci failed, see above; check the network and npm's settings, then run the command again.",
  );
}

/** The package `node` fetches its program by an install script, which npm may have been told not to run. */
function installNode() {
  process.stderr.write("Installing Node 24 for this folder (its install script had not run), once...\n");
  const folder = join(root, "node_modules", "node");
  const installer = join(folder, "installArchSpecificPackage.js");
  const ended = spawnSync(process.execPath, [installer], { cwd: folder, encoding: "utf8" });
  const node = findNode(root);
  if (node) return node;
  process.stderr.write(outputOf(ended));
  throw new Refusal(
    "Node 24 could not be installed, see above; install Node 24 or newer, then run the command again.",
  );
}

function npm(npmArguments) {
  const options = { cwd: root, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 };
  // Set for the commands that npm runs: the very npm that the user chose. (Other package managers set theirs.)
  const program = process.env.npm_execpath;
  if (program !== undefined && /npm-cli\.[cm]?js$/.test(program))
    return spawnSync(process.execPath, [program, ...npmArguments], options);
  return spawnSync("npm", npmArguments, { ...options, shell: process.platform === "win32" });
}

function outputOf(ended) {
  return [ended.stdout, ended.stderr, ended.error?.message].filter(Boolean).join("\n").trimEnd().concat("\n");
}

try {
  main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
