/** @module The command line in this process: its own streams, and everything behind it as it is. */
import { isUnmade } from "@atelier/local/data-folder";
import { openAtelier } from "@atelier/local/index";
import { loadInstalledCatalogue } from "@atelier/local/installed-catalogue";
import { runCommandLine } from "../../packages/cli/run.ts";
import { CapturedStream } from "../../packages/cli/testing/captured-run.ts";

export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export async function runHere(
  words: readonly string[],
  place: { readonly workingFolder: string; readonly environment?: Readonly<Record<string, string>> },
): Promise<Ended> {
  const [stdout, stderr] = [new CapturedStream(), new CapturedStream()];
  const exitCode = await runCommandLine(words, {
    stdin: process.stdin,
    stdout,
    stderr,
    environment: place.environment ?? {},
    workingFolder: place.workingFolder,
    clock: () => performance.now(),
    loadCatalogue: loadInstalledCatalogue,
    isUnmade,
    openAtelier,
    onInterrupt: () => () => {},
    endAtOnce(code) {
      throw new Error(`The command wanted to end at once with ${code}.`);
    },
  });
  return { exitCode, stdout: stdout.text, stderr: stderr.text };
}
