/** @module One command line from its words to its exit code. */

import { ERRORS } from "@atelier/core/error-table";
import { type AtelierError, errorNameOf, isAtelierError } from "@atelier/core/errors";
import type { Problem } from "@atelier/local/template-source";
import { CommanderError } from "commander";
import { EXIT, exitCodeOfError } from "./exit-codes.ts";
import type { CommandLineIo } from "./io.ts";
import { createOutput, type Output } from "./output.ts";
import { buildProgram, checkedWords, usageErrorOf } from "./program.ts";
import { createSession, type Session, type SharedOptions } from "./session.ts";

const HELP_COLUMNS_MAX = 100;

/**
 * Never throws, and never ends the process except through `io.endAtOnce`.
 *
 * @param words the arguments after `atelier`
 * @returns the exit code (see `exit-codes.ts`), or that of the request to stop (130)
 */
export async function runCommandLine(words: readonly string[], io: CommandLineIo): Promise<number> {
  const output = createOutput(io);
  const running: { session: Session | null; exitCode: number } = { session: null, exitCode: EXIT.done };
  const program = buildProgram(
    async (work) => {
      running.session = createSession(io, output, program.opts<SharedOptions>());
      running.exitCode = await work(running.session);
    },
    (text) => output.text(text.trimEnd()),
    Math.min(output.widthColumns ?? HELP_COLUMNS_MAX, HELP_COLUMNS_MAX),
  );
  try {
    if (words.length === 0) program.outputHelp();
    else await program.parseAsync(checkedWords(program, words), { from: "user" });
  } catch (error) {
    // Help and version end so too.
    if (!(error instanceof CommanderError && error.exitCode === 0)) {
      const known = error instanceof CommanderError ? usageErrorOf(error, program, words) : error;
      running.exitCode = exitCodeOfError(known);
      if (!(isAtelierError(known, "Cancelled") && running.session?.interruptedCode)) {
        report(known, output, running.session?.json ?? false);
      }
    }
  }
  // A stream tells about a failed write only after the call that wrote.
  await new Promise((resolve) => setImmediate(resolve));
  if (output.failure !== null) {
    output.note(`Standard output cannot be written: ${output.failure.message}.`);
    return running.session?.interruptedCode ?? EXIT.usage;
  }
  return running.session?.interruptedCode ?? running.exitCode;
}

function report(error: unknown, output: Output, json: boolean): void {
  const name = errorNameOf(error);
  const message = error instanceof Error ? error.message : String(error);
  if (!isAtelierError(error)) {
    output.note(`${ERRORS.Unexpected.meaning} ${message} (please report this)`);
    return;
  }
  // Refused: understood, but neither policy, terms nor money allow it. Faults of usage have no document.
  const { httpStatus } = ERRORS[name];
  if (json && (httpStatus === 402 || httpStatus === 422)) {
    const rule = typeof error.data.rule === "string" ? error.data.rule : name;
    output.document({ status: "refused", rule, message });
  }
  const problems = json ? [] : problemsOf(error);
  if (problems.length < 2) output.note(message);
  else {
    output.note(`There are ${problems.length} mistakes in the templates; correct them:`);
    for (const { file, line, expected, found } of problems) {
      output.note(`${file}:${line}: expected ${expected}, found ${found}`);
    }
  }
}

/** The mistakes that the loader of `templates/` found; none for any other error. */
function problemsOf(error: AtelierError): readonly Problem[] {
  const { problems } = error.data;
  return error.name === "CatalogueInvalid" && Array.isArray(problems) ? problems : [];
}
