/** @module What the command line needs of its process, as types: a test gives its own of each. */
import type { Catalogue } from "@atelier/core/catalogue";
import type { Atelier, OpenOptions } from "@atelier/local/facade";

/** The part of `process.stdout` and `process.stderr` that is used. */
export interface TextStream {
  write(text: string): unknown;
  /** True for a terminal: bars and colours are for people only. */
  readonly isTTY?: boolean | undefined;
  /** Width of the terminal in characters. */
  readonly columns?: number | undefined;
  on(event: "error", listener: (error: NodeJS.ErrnoException) => void): unknown;
}

export interface CommandLineIo {
  /** Read by `--prompts -` only. */
  readonly stdin: AsyncIterable<Uint8Array | string>;
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Relative paths of options start here. */
  readonly workingFolder: string;
  /** Milliseconds; only differences are used. */
  readonly clock: () => number;
  /** Reads `templates/`: enough to check names without starting an engine. */
  readonly loadCatalogue: () => Promise<Catalogue>;
  /** Whether no data folder stands at the path: nothing at all, or an empty folder. */
  readonly isUnmade: (path: string) => Promise<boolean>;
  readonly openAtelier: (options: OpenOptions) => Promise<Atelier>;
  /**
   * Calls the listener at every request to stop, with the exit code that tells about it (130 for SIGINT). Without a
   * listener a signal has its ordinary effect. Answers a function that takes the listener away.
   */
  readonly onInterrupt: (listener: (exitCode: number) => void) => () => void;
  /** Ends the process at once. */
  readonly endAtOnce: (exitCode: number) => void;
}
