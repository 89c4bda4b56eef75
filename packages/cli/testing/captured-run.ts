/** @module Runs a command line in this process against a given Atelier and keeps what it wrote. */
import { EventEmitter } from "node:events";
import type { Atelier, OpenOptions } from "@atelier/local/facade";
import type { CommandLineIo, TextStream } from "../io.ts";
import { runCommandLine } from "../run.ts";
import { atelierInMemory } from "./atelier-in-memory.ts";
import { CATALOGUE } from "./documents.ts";

export class CapturedStream extends EventEmitter implements TextStream {
  text = "";
  readonly isTTY: boolean;
  readonly columns: number | undefined;

  constructor(columns?: number) {
    super();
    this.isTTY = columns !== undefined;
    this.columns = columns;
  }

  write(text: string): void {
    this.text += text;
  }
}

export interface Captured {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What each Atelier was opened with. */
  readonly opened: readonly OpenOptions[];
  readonly endedWith: readonly number[];
}

export interface CaptureOptions {
  readonly atelier?: Atelier;
  /** Width of a terminal on both streams; default: both are pipes. */
  readonly columns?: number;
  readonly environment?: Record<string, string>;
  /** No data folder is there yet. */
  readonly unmade?: boolean;
  readonly stdin?: string | AsyncIterable<string>;
  readonly workingFolder?: string;
  readonly stdout?: CapturedStream;
  /** Milliseconds that pass between two looks at the clock; default 1500. */
  readonly tickMs?: number;
  /** Called as the data folder opens. */
  readonly onOpening?: (given: OpenOptions) => void;
  /** Receives the function that stands for a signal. */
  readonly onListening?: (interrupt: (exitCode: number) => void) => void;
}

export async function captured(words: readonly string[], options: CaptureOptions = {}): Promise<Captured> {
  const stdout = options.stdout ?? new CapturedStream(options.columns);
  const stderr = new CapturedStream(options.columns);
  const opened: OpenOptions[] = [];
  const endedWith: number[] = [];
  let timeMs = 0;
  const io: CommandLineIo = {
    stdin: typeof options.stdin === "object" ? options.stdin : yielding(options.stdin ?? ""),
    stdout,
    stderr,
    environment: options.environment ?? {},
    workingFolder: options.workingFolder ?? "/home/someone",
    clock: () => {
      timeMs += options.tickMs ?? 1500;
      return timeMs;
    },
    loadCatalogue: async () => CATALOGUE,
    isUnmade: async () => options.unmade ?? false,
    async openAtelier(given) {
      opened.push(given);
      options.onOpening?.(given);
      return options.atelier ?? atelierInMemory();
    },
    onInterrupt(listener) {
      options.onListening?.(listener);
      return () => {};
    },
    endAtOnce: (exitCode) => endedWith.push(exitCode),
  };
  const exitCode = await runCommandLine(words, io);
  return { exitCode, stdout: stdout.text, stderr: stderr.text, opened, endedWith };
}

async function* yielding(text: string): AsyncIterable<string> {
  yield text;
}

/** The documents of `--json`; throws when a line is anything else. */
export function documentsOf(stdout: string): unknown[] {
  return stdout.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line)]));
}
