/** @module The command line's `io` as the process gives it. */
import { constants } from "node:os";
import { fileURLToPath } from "node:url";
import type { CommandLineIo } from "./io.ts";

const TEMPLATES_FOLDER = fileURLToPath(new URL("../../templates", import.meta.url));
const STOPPING_SIGNALS = ["SIGINT", "SIGTERM"] as const;

export function processIo(): CommandLineIo {
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    environment: process.env,
    workingFolder: process.cwd(),
    clock: () => performance.now(),
    // Loaded only when a command needs them: help and usage errors start no engine.
    async loadCatalogue() {
      const { loadCatalogue } = await import("@atelier/local/templates");
      return loadCatalogue(TEMPLATES_FOLDER);
    },
    async openAtelier(options) {
      const { openAtelier } = await import("@atelier/local/index");
      return openAtelier(options);
    },
    onInterrupt(listener) {
      const listeners = STOPPING_SIGNALS.map((signal) => {
        // The shells' convention: 128 and the signal's number.
        const listen = () => listener(128 + constants.signals[signal]);
        process.on(signal, listen);
        return () => process.off(signal, listen);
      });
      return () => {
        for (const stop of listeners) stop();
      };
    },
    endAtOnce: (exitCode) => process.exit(exitCode),
  };
}
