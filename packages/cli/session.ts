/** @module One run of one command: its shared options, its way to the engines, and stopping on request. */
import { resolve } from "node:path";
import type { Catalogue } from "@atelier/core/catalogue";
import { AtelierError } from "@atelier/core/errors";
import type { Atelier } from "@atelier/local/facade";
import type { ExitCode } from "./exit-codes.ts";
import type { CommandLineIo } from "./io.ts";
import type { Output } from "./output.ts";

/** What every command takes. */
export interface SharedOptions {
  readonly data?: string;
  readonly provider?: string;
  readonly json?: boolean;
}

export interface Session {
  readonly io: CommandLineIo;
  readonly output: Output;
  /** One JSON document a line on standard output and nothing else there. */
  readonly json: boolean;
  /** As `--provider` names it; null without. */
  readonly provider: string | null;
  readonly loadCatalogue: () => Promise<Catalogue>;
  /**
   * Opens the data folder for the work and closes it whatever happens. A first request to stop aborts the signal; a
   * second ends the process.
   *
   * @param provider whom the work buys from; default: the `--provider` of the command line
   * @throws AtelierError `Cancelled` when it was asked to stop before the work began
   */
  withAtelier<T>(work: WithAtelier<T>, provider?: string | null): Promise<T>;
  /** The data folder that the command is about; absolute. */
  readonly dataFolder: string;
  /** Work that opens no data folder; the signal is as for `withAtelier`. */
  withSignal<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /**
   * As `withAtelier`, for commands that only look: they make no folder.
   *
   * @throws AtelierError `FolderUnusable` when there is none
   */
  withMadeAtelier<T>(work: WithAtelier<T>): Promise<T>;
  /** The exit code of the request to stop, null when there was none. */
  readonly interruptedCode: number | null;
}

export type WithAtelier<T> = (atelier: Atelier, signal: AbortSignal) => Promise<T>;

/** What a command is: its exit code is that of the process. */
export type Work = (session: Session) => Promise<ExitCode>;

/**
 * A signal to a process group reaches us directly and once more through the launcher, and `timeout` sends it twice on top:
 * within this time it is one request.
 */
const SAME_REQUEST_MS = 500;

export function createSession(io: CommandLineIo, output: Output, shared: SharedOptions): Session {
  const dataFolder = resolve(io.workingFolder, shared.data ?? (io.environment.ATELIER_DATA || ".atelier"));
  let interruptedCode: number | null = null;
  let interruptedAtMs = 0;
  const faults = new Set<string>();

  /** Once for each: a setting that cannot be read is met again at every request. */
  function warn(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    // What a stop breaks off is no fault that anybody need know.
    if (interruptedCode !== null || faults.has(message)) return;
    faults.add(message);
    output.note(`Warning: ${message}`);
  }

  return {
    io,
    output,
    json: shared.json ?? false,
    provider: shared.provider ?? null,
    dataFolder,
    loadCatalogue: io.loadCatalogue,
    get interruptedCode() {
      return interruptedCode;
    },
    async withMadeAtelier(work) {
      if (await io.isUnmade(dataFolder)) {
        throw new AtelierError(
          "FolderUnusable",
          `There is no data folder ${dataFolder}; \`atelier plan --run\` makes one, or give another with --data.`,
        );
      }
      return this.withAtelier(work);
    },
    async withAtelier(work, provider = shared.provider ?? null) {
      return this.withSignal(async (signal) => {
        const atelier = await io.openAtelier({
          dataFolder,
          provider,
          environment: io.environment,
          onFault: warn,
        });
        try {
          if (signal.aborted) throw new AtelierError("Cancelled", "The command was stopped on request.");
          return await work(atelier, signal);
        } finally {
          await atelier.close();
        }
      });
    },
    async withSignal(work) {
      const stopping = new AbortController();
      const stopListening = io.onInterrupt((exitCode) => {
        if (interruptedCode !== null) {
          if (io.clock() - interruptedAtMs >= SAME_REQUEST_MS) io.endAtOnce(exitCode);
          return;
        }
        interruptedCode = exitCode;
        interruptedAtMs = io.clock();
        output.note(
          "Stopping; what is left open goes on with `atelier resume` (a second Ctrl-C ends at once).",
        );
        stopping.abort();
      });
      try {
        return await work(stopping.signal);
      } finally {
        stopListening();
      }
    },
  };
}
