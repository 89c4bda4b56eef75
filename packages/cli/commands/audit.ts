/** @module `atelier audit`: what was asked, decided, bought, refused and released. */

import { auditDocument, exportedEntryDocument } from "@atelier/core/audit-trail";
import type { Command } from "commander";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { countOf } from "../image-report.ts";
import type { Session } from "../session.ts";
import { renderTable } from "../table.ts";
import { type Act, addExamples, addLimitOption } from "./shared.ts";

export function addAudit(program: Command, act: Act): void {
  const command = program
    .command("audit")
    .summary("what was asked, decided, bought, refused and released")
    .description("Lists what happened: all of it, newest first, or to one image, oldest first.")
    .argument("[image]", "an image, a request or a budget scope");
  addLimitOption(command, "how many entries").action(
    (subject: string | undefined, { limit }: { limit: number }) =>
      act((session) => audit(session, subject ?? null, limit)),
  );
  addExamples(command, [
    "atelier audit",
    "atelier audit img_01jd8v3m6w9qk2x7r5t0ybhc4f_00000",
    "atelier audit --limit 1000 --json",
    "atelier audit verify",
    "atelier audit export > audit.jsonl",
  ]);
  const subjectOption = (of: Command) =>
    of.option("--subject <id>", "an image, a request or a budget scope; all when left out");
  subjectOption(
    command
      .command("verify")
      .summary("holds every entry against the chain that it stands in")
      .description(
        "Finds entries that were changed, left out, put in or cut off since they were written. Keep the heads that --json prints somewhere else: only with them does a trail show that was made anew as a whole.",
      ),
  ).action(({ subject }: { subject?: string }) => act((session) => verify(session, subject ?? null)));
  subjectOption(
    command
      .command("export")
      .summary("every entry with its hashes, one JSON document a line")
      .description("Writes the whole trail as JSON lines, subject by subject, in the order of their chains."),
  ).action(({ subject }: { subject?: string }) =>
    act((session) =>
      session.withMadeAtelier(async (atelier) => {
        for await (const entry of atelier.exportAudit(subject ?? null)) {
          session.output.document(exportedEntryDocument(entry));
        }
        return EXIT.done;
      }),
    ),
  );
}

/** Exit 1 when anything is wrong. */
function verify(session: Session, subject: string | null): Promise<ExitCode> {
  const { output, json } = session;
  return session.withMadeAtelier(async (atelier) => {
    let [subjects, entries, broken] = [0, 0, 0];
    for await (const proof of atelier.verifyAudit(subject)) {
      subjects += 1;
      entries += proof.entries;
      if (proof.problems.length > 0) broken += 1;
      if (json) output.document({ ...proof, proved: proof.problems.length === 0 });
      else for (const problem of proof.problems) output.text(`${proof.subject}: ${problem}.`);
    }
    if (!json) {
      const counted = `${countOf(entries, "audit record")} about ${countOf(subjects, "subject")}`;
      output.text(
        broken === 0 ? `${counted}: every chain holds.` : `${counted}: ${countOf(broken, "chain")} broken.`,
      );
    }
    return broken === 0 ? EXIT.done : EXIT.failed;
  });
}

function audit(session: Session, subject: string | null, limit: number): Promise<ExitCode> {
  const { output, json } = session;
  return session.withMadeAtelier(async (atelier) => {
    const documents = (await atelier.audit(subject, limit)).map(auditDocument);
    if (json) for (const document of documents) output.document(document);
    else if (documents.length === 0) output.text("Nothing is recorded.");
    else {
      output.text(
        renderTable(
          [
            { title: "at" },
            { title: "subject", minColumns: 12, cut: "start" },
            { title: "what" },
            { title: "by", minColumns: 6 },
            { title: "facts", minColumns: 10 },
          ],
          documents.map((document) => [
            `${document.at.slice(0, 19).replace("T", " ")}Z`,
            document.attempt_id ?? document.subject,
            document.phase === "intended" ? `${document.kind} (intended)` : document.kind,
            document.by,
            factsText(document.facts),
          ]),
          output,
        ),
      );
    }
    return EXIT.done;
  });
}

function factsText(facts: Readonly<Record<string, string | number | boolean | null>>): string {
  return Object.entries(facts)
    .flatMap(([name, value]) => (value === null ? [] : [`${name}=${value}`]))
    .join(" ");
}
