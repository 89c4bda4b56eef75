/** @module `atelier verify`: what picture files say about where they come from, and whether that still holds. */
import { resolve } from "node:path";
import type { FileVerification } from "@atelier/local/verify-file";
import type { Command } from "commander";
import { EXIT, type ExitCode, worstExitCode } from "../exit-codes.ts";
import { printable } from "../output.ts";
import type { Session } from "../session.ts";
import { verificationDocument } from "../verification-document.ts";
import { verificationText } from "../verification-text.ts";
import { type Act, addExamples } from "./shared.ts";

export function addVerify(program: Command, act: Act): void {
  const command = program
    .command("verify")
    .summary("where picture files come from, and whether they were altered")
    .description(
      "Checks what picture files say about where they come from (XMP and C2PA), whoever made them, and whether they " +
        "were altered since they were signed. Needs no data folder. Exit: 0 marked and unaltered, 1 altered or " +
        "unmarked, 2 unreadable.",
    )
    .argument("<file...>", "PNG, JPEG, WebP or AVIF pictures")
    .action((files: readonly string[]) => act((session) => verify(session, files)));
  addExamples(command, ["atelier verify picture.jpg", "atelier verify pictures/*.webp --json"]);
}

const EXIT_CODES: Readonly<Record<FileVerification["status"], ExitCode>> = {
  marked: EXIT.done,
  altered: EXIT.failed,
  unmarked: EXIT.failed,
  unreadable: EXIT.usage,
};

async function verify({ output, json, io }: Session, files: readonly string[]): Promise<ExitCode> {
  const { verifyFile } = await import("@atelier/local/verify-file");
  const codes: ExitCode[] = [];
  for (const file of files) {
    const found = await verifyFile(resolve(io.workingFolder, file), file === "" ? '""' : file);
    codes.push(EXIT_CODES[found.status]);
    if (json) output.document(verificationDocument(file, found));
    else if (found.status === "unreadable") output.note(found.message);
    else output.text(verificationText(printable(file), found, output));
    if (output.closed) break;
  }
  return worstExitCode(codes);
}
