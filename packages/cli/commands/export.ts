/** @module `atelier export`: a whole library into a folder, for another machine or for safe keeping. */
import { resolve } from "node:path";
import type { LibraryReport } from "@atelier/core/library";
import type { Command } from "commander";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { libraryDocument, tellLibrary } from "../library-report.ts";
import { usageError } from "../options.ts";
import type { Session } from "../session.ts";
import { type Act, addExamples } from "./shared.ts";

interface Options {
  readonly keys: boolean;
  readonly verify?: boolean;
}

export function addExport(program: Command, act: Act): void {
  const command = program
    .command("export")
    .summary("writes the whole library into a folder, or checks one that was written")
    .description(
      "Writes all records, files, settings and keys into a new folder, as they stand at this moment, with checksums; others may go on working. Whoever has the folder can read the prompts. Exit: 1 when files are missing that records name.",
    )
    .argument("<folder>", "new or empty, and not in the data folder")
    .option(
      "--without-keys",
      "leaves the keys out: prompts, reviewers' reasons, links and removed pictures are then known to nobody, unless import gets the keys",
    )
    .option("--verify", "only checks what was exported there, byte by byte; needs no data folder")
    .action((folder: string, { withoutKeys, verify }: { withoutKeys?: boolean; verify?: boolean }) =>
      act((session) =>
        exportOrVerify(session, folder, { keys: !withoutKeys, ...(verify !== undefined && { verify }) }),
      ),
    );
  addExamples(command, [
    "atelier export /backup/atelier-2026-11",
    "atelier export /backup/atelier-2026-11 --verify",
    "atelier export shared --without-keys",
  ]);
}

function exportOrVerify(session: Session, folder: string, options: Options): Promise<ExitCode> {
  if (folder === "") throw usageError("The folder's name is empty; give a folder.");
  const path = resolve(session.io.workingFolder, folder);
  if (!options.verify) {
    return session.withMadeAtelier(async (atelier, signal) =>
      tell(
        session,
        "Exported",
        await atelier.exportLibrary(path, { withKeys: options.keys, signal }),
        options.keys
          ? "It holds the keys: whoever has it can read the prompts."
          : "It holds no keys: keep those of the data folder, for `atelier import --keys`.",
      ),
    );
  }
  if (!options.keys) throw usageError("--verify takes no --without-keys; leave one out.");
  return session.withSignal(async (signal) => {
    const { verifyLibrary } = await import("@atelier/local/library-read");
    return tell(session, "Unaltered", await verifyLibrary(path, signal), "");
  });
}

function tell({ json, output }: Session, done: string, report: LibraryReport, about: string): ExitCode {
  if (json) output.document(libraryDocument(report));
  else {
    tellLibrary(done, report, output);
    if (about !== "") output.text(about);
  }
  return report.missing === 0 ? EXIT.done : EXIT.failed;
}
