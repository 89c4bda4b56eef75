/** @module `atelier audit`: what was asked, decided, bought, refused and released. */
import type { Command } from "commander";
import { auditDocument } from "../documents.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
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
  ]);
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
