/** @module `atelier privacy`: what is kept of a subject, its removal, how long things stay, and the keys of prompts. */
import type { Command } from "commander";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { countOf } from "../image-report.ts";
import { usageError } from "../options.ts";
import type { Session } from "../session.ts";
import { type Act, addExamples } from "./shared.ts";

const SUBJECT = "--subject <name>";
const SUBJECT_HELP = "a request (req_...), an image (img_...), or who asked as `atelier audit` shows it";

export function addPrivacy(program: Command, act: Act): void {
  const command = program
    .command("privacy")
    .summary("what is kept about a subject, and its removal")
    .description(
      "Shows and removes what is kept: records, prompts, files with their backup, names in the audit.",
    );
  addExports(command, act);
  addErase(command, act);
  addSweep(command, act);
  command
    .command("rotate-keys")
    .summary("a new key for prompts, and every prompt under it")
    .description(
      "Makes a new key and encrypts every prompt with it, those of the first release included. Older keys stay: whatever else was sealed with them is still read.",
    )
    .action(() =>
      act((session) =>
        session.withMadeAtelier(async (atelier) => {
          const { key, renewed, kept } = await atelier.privacy.rotateKeys();
          if (session.json) session.output.document({ key, renewed, kept });
          else
            session.output.text(
              `Key ${key} encrypts from now on; ${countOf(renewed, "prompt")} brought under it.`,
            );
          return EXIT.done;
        }),
      ),
    );
  addExamples(command, [
    "atelier privacy export --subject img_01jd8v3m6w9qk2x7r5t0ybhc4f_00000 > kept.jsonl",
    "atelier privacy erase --subject req_01jd8v3m6w9qk2x7r5t0ybhc4f --yes",
    "atelier privacy sweep --dry-run",
  ]);
}

function addExports(command: Command, act: Act): void {
  command
    .command("export")
    .summary("everything that is kept about a subject, one JSON document a line")
    .description(
      "Writes records, prompts, entries of the audit and the list of files (place, path, size, checksum). The files themselves lie under these paths.",
    )
    .requiredOption(SUBJECT, SUBJECT_HELP)
    .action(({ subject }: { subject: string }) =>
      act((session) =>
        session.withMadeAtelier(async (atelier) => {
          for await (const document of atelier.privacy.export(subject)) session.output.document(document);
          return EXIT.done;
        }),
      ),
    );
}

function addErase(command: Command, act: Act): void {
  command
    .command("erase")
    .summary("removes everything about a subject, and looks again")
    .description(
      "Removes files in every version and place, prompts, details of records, and names in the audit, whose chain still holds; says what was removed, and what is there all the same. It cannot be undone.",
    )
    .requiredOption(SUBJECT, SUBJECT_HELP)
    .option("--yes", "really; without it nothing is removed")
    .action(({ subject, yes }: { subject: string; yes?: boolean }) =>
      act((session) => erase(session, subject, yes ?? false)),
    );
}

/** Exit 1 when something is left. */
function erase(session: Session, subject: string, isMeant: boolean): Promise<ExitCode> {
  const { output, json } = session;
  if (!isMeant) {
    throw usageError(
      "Erasing cannot be undone; look with `atelier privacy export`, then give --yes to erase.",
    );
  }
  return session.withMadeAtelier(async (atelier) => {
    const erasure = await atelier.privacy.erase(subject);
    const { images, files, prompts, auditEntries, left } = erasure;
    if (json) {
      output.document({
        subject: erasure.subject,
        images,
        prompts,
        files: files.map(({ place, key, sha256 }) => ({ place, path: key, sha256 })),
        audit_entries: auditEntries,
        places: erasure.places,
        left,
        proved: left.length === 0,
      });
    } else {
      for (const { place, key } of files) output.text(`Removed ${key} from ${place}.`);
      output.text(
        `${countOf(images.length, "image")}: ${countOf(files.length, "file")} and ${countOf(prompts, "prompt")} removed, ${countOf(auditEntries, "audit record")} without names.`,
      );
      for (const what of left) output.text(`Still there: ${what}.`);
      if (left.length === 0) output.text(`A second look found nothing in ${erasure.places.join(" and ")}.`);
    }
    return left.length === 0 ? EXIT.done : EXIT.failed;
  });
}

function addSweep(command: Command, act: Act): void {
  command
    .command("sweep")
    .summary("removes what has been kept long enough")
    .description(
      "Removes files, prompts and details of images whose time has come: `retention` in settings.json says how many days by status and rating. The calendar's report does so as well.",
    )
    .option("--dry-run", "only tell what it would be")
    .action(({ dryRun = false }: { dryRun?: boolean }) =>
      act((session) =>
        session.withMadeAtelier(async (atelier) => {
          const { images, files } = await atelier.privacy.sweep(dryRun);
          if (session.json) session.output.document({ images, files, dry_run: dryRun });
          else {
            const counted = `${countOf(images.length, "image")} with ${countOf(files, "file")}`;
            session.output.text(dryRun ? `Due: ${counted}.` : `Removed: ${counted}.`);
          }
          return EXIT.done;
        }),
      ),
    );
}
