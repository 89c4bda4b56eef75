/** @module `atelier import`: a data folder out of an exported library. */
import { resolve } from "node:path";
import type { Command } from "commander";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { libraryDocument, tellLibrary } from "../library-report.ts";
import { usageError } from "../options.ts";
import type { Session } from "../session.ts";
import { type Act, addExamples } from "./shared.ts";

export function addImport(program: Command, act: Act): void {
  const command = program
    .command("import")
    .summary("makes a new data folder out of an exported library")
    .description(
      "Reads what `atelier export` wrote into a new folder, which --data names, and checks every byte and every chain of the audit. What was under way goes on with `atelier resume`. Exit: 1 when files are missing or a chain does not hold.",
    )
    .argument("<folder>", "an exported library")
    .option("--keys <folder>", "where the keys are, when they were left out: the `keys` of the data folder")
    .action((folder: string, { keys }: { keys?: string }) =>
      act((session) => importInto(session, folder, keys)),
    );
  addExamples(command, [
    "atelier import /backup/atelier-2026-11 --data .atelier",
    "atelier import shared --keys /safe/keys --data restored",
  ]);
}

function importInto(session: Session, folder: string, keys: string | undefined): Promise<ExitCode> {
  const { json, output, io, dataFolder } = session;
  if (folder === "" || keys === "") throw usageError("The folder's name is empty; give a folder.");
  return session.withSignal(async (signal) => {
    const { importLibraryHere } = await import("@atelier/local/library-import");
    const report = await importLibraryHere({
      from: resolve(io.workingFolder, folder),
      to: dataFolder,
      ...(keys !== undefined && { keysFolder: resolve(io.workingFolder, keys) }),
      signal,
    });
    const { audit, has_keys, missing } = report;
    if (json) output.document({ ...libraryDocument(report), has_keys, audit });
    else {
      tellLibrary(`Imported into ${dataFolder}`, report, output);
      if (!has_keys) output.note("It came without keys: prompts and reviewers' reasons cannot be read.");
      for (const subject of audit.broken) output.note(`The audit of ${subject} does not hold.`);
    }
    return missing === 0 && audit.broken.length === 0 ? EXIT.done : EXIT.failed;
  });
}
