/** @module The command line on the real process: its streams, environment, signals and end. */
import { constants } from "node:os";
import { EXIT } from "./exit-codes.ts";
import type { CommandLineIo } from "./io.ts";
import { watchLauncher } from "./launcher-watch.ts";
import { printable } from "./output.ts";
import { runCommandLine } from "./run.ts";

const STOPPING_SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Runs the words after `atelier` and ends the process with their exit code. */
export async function runProcess(words: readonly string[]): Promise<void> {
  // What an engine throws outside of any call; Node's own answer is a stack trace.
  process.on("uncaughtException", (error) => {
    process.stderr.write(`${printable(`Something happened that nobody foresaw. ${error.message}`)}\n`);
    process.exit(EXIT.failed);
  });
  watchLauncher(process.env.ATELIER_LAUNCHER_PID, () => process.kill(process.pid, "SIGTERM"));
  const exitCode = await runCommandLine(words, processIo());
  // Not before everything is written; and a handle left open must not keep a finished command alive.
  process.stdout.write("", () => process.exit(exitCode));
}

function processIo(): CommandLineIo {
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    environment: process.env,
    workingFolder: process.cwd(),
    clock: () => performance.now(),
    // Loaded only when a command needs them: help and usage errors start no engine.
    async loadCatalogue() {
      const { loadInstalledCatalogue } = await import("@atelier/local/installed-catalogue");
      return loadInstalledCatalogue();
    },
    async isUnmade(path) {
      const { isUnmade } = await import("@atelier/local/data-folder");
      return isUnmade(path);
    },
    async openAtelier(options) {
      const { openAtelier } = await import("@atelier/local/index");
      return openAtelier(options);
    },
    onInterrupt(listener) {
      const stops = STOPPING_SIGNALS.map((signal) => {
        // The shells' convention: 128 and the signal's number.
        const listen = () => listener(128 + constants.signals[signal]);
        process.on(signal, listen);
        return () => process.off(signal, listen);
      });
      return () => {
        for (const stop of stops) stop();
      };
    },
    endAtOnce: (exitCode) => process.exit(exitCode),
  };
}
