#!/usr/bin/env node
/** @module The command `atelier`: runs `main.ts` on Node 24, whichever Node the host has. Installs nothing. */
import { fileURLToPath } from "node:url";
import { findNode, hostProblem, runScript } from "./node24.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const node = findNode(root);
const problem =
  hostProblem() ??
  (node ? undefined : `Node 24 is not installed in ${root}; run \`npm ci\` there, or use Node 24 or newer.`);

if (node && !problem) {
  runScript(node, fileURLToPath(new URL("./main.ts", import.meta.url)), process.argv.slice(2));
} else {
  process.stderr.write(`${problem}\n`);
  process.exitCode = 2;
}
