/** @module `atelier attest`: an operator's word for the terms of their own account, and for a viewer's age. */
import { RATINGS, type Rating } from "@atelier/core/catalogue";
import type { AttestationDocument } from "@atelier/core/review-document";
import type { Atelier } from "@atelier/local/facade";
import type { Command } from "commander";
import { EXIT } from "../exit-codes.ts";
import { calendarDate, oneOf, usageError } from "../options.ts";
import type { Session } from "../session.ts";
import { renderTable } from "../table.ts";
import { type Act, addExamples } from "./shared.ts";

const BY_COMMAND = "said on the command line";

interface TermsOptions {
  readonly rating: Rating;
  readonly how: string;
  readonly withdraw?: boolean;
}
interface AgeOptions {
  readonly name?: string;
  readonly how: string;
  readonly until?: string;
  readonly withdraw?: boolean;
}

export function addAttest(program: Command, act: Act): void {
  const attest = program
    .command("attest")
    .summary("an operator's word for terms of their own account, and for a viewer's age")
    .description(
      "What somebody gives their word for: who, how, when and until when is kept and audited. docs/compliance.md says what that does not replace.",
    );
  addExamples(attest, [
    "atelier attest terms --provider a1111 --rating nudity",
    'atelier attest age --name ada --how "passport seen"',
    "atelier attest list",
  ]);
  const terms = attest
    .command("terms")
    .summary("that the terms of your account or machine allow a rating")
    .description(
      "Attests that the terms of your own account or machine (--provider) allow a rating and those below it. It settles what is unclear and expires as terms in the catalogue do; terms that say no it does not override.",
    )
    .requiredOption("--rating <name>", `one of ${RATINGS.join(", ")}`, (text) =>
      oneOf("rating", text, RATINGS),
    )
    .option("--how <text>", "how you know", BY_COMMAND)
    .option("--withdraw", "takes it back")
    .action((options: TermsOptions) => act((session) => attestTerms(session, options)));
  addExamples(terms, [
    "atelier attest terms --provider a1111 --rating nudity",
    "atelier attest terms --provider a1111 --rating nudity --withdraw",
  ]);
  addAge(attest.command("age"), act, "atelier attest age");
  // The name that the design gave it.
  addAge(program.command("attest-age", { hidden: true }), act, "atelier attest-age");
  const list = attest
    .command("list")
    .summary("what was attested, and what expires")
    .description("Lists what was attested, by whom, how and until when; then what expires soon.")
    .action(() => act((session) => session.withMadeAtelier((atelier) => listAttested(session, atelier))));
  addExamples(list, ["atelier attest list", "atelier attest list --json"]);
}

function addAge(command: Command, act: Act, words: string): void {
  command
    .summary("that a viewer is an adult")
    .description(
      "Attests that a viewer is an adult, for a year or until a day. Pictures rated above general are shown unblurred, and links to them given, to such viewers only.",
    )
    .option("--name <viewer>", "whose age (default: the operating system's user)")
    .option("--how <text>", "how you know", BY_COMMAND)
    .option("--until <day>", "the first day on which it counts no more (default: in a year)", (text) =>
      calendarDate("--until", text),
    )
    .option("--withdraw", "takes it back")
    .action((options: AgeOptions) => act((session) => attestAge(session, options)));
  addExamples(command, [
    `${words} --name ada --how "passport seen" --until 2027-03-01`,
    `${words} --withdraw`,
  ]);
}

function attestTerms(session: Session, { rating, how, withdraw }: TermsOptions) {
  const { provider } = session;
  if (provider === null)
    throw usageError("A provider is missing; name the account or machine with --provider.");
  // It names whose terms are meant; nothing is bought from it here.
  return session.withAtelier(async (atelier) => {
    if (withdraw) {
      const wasThere = await atelier.attest.withdrawTerms({ provider, rating });
      return said(session, wasThere ? "Taken back." : "Nothing of that kind was attested.", null);
    }
    const document = await atelier.attest.terms({ provider, rating, how });
    return said(
      session,
      `Attested: ${provider} may make ${rating}. It is audited, and counts for a year.`,
      document,
    );
  }, null);
}

function attestAge(session: Session, { name, how, until, withdraw }: AgeOptions) {
  const viewer = name?.trim() || null;
  return session.withAtelier(async (atelier) => {
    if (withdraw) {
      const wasThere = await atelier.attest.withdrawAge(viewer);
      return said(session, wasThere ? "Taken back." : "Nothing of that kind was attested.", null);
    }
    const document = await atelier.attest.age({ viewer, how, until: until ?? null });
    const line =
      document.kind === "age"
        ? `Attested: ${document.viewer} is an adult, until ${document.until.slice(0, 10)}.`
        : "";
    return said(session, line, document);
  });
}

function said({ output, json }: Session, line: string, document: AttestationDocument | null) {
  if (!json) output.text(line);
  else if (document) output.document(document);
  return EXIT.done;
}

async function listAttested(session: Session, atelier: Atelier) {
  const { output, json } = session;
  const attested = await atelier.attest.list();
  if (json) for (const document of attested) output.document(document);
  else if (attested.length === 0) output.text("Nothing is attested.");
  else {
    output.text(
      renderTable(
        [
          { title: "what" },
          { title: "of" },
          { title: "by" },
          { title: "when" },
          { title: "until" },
          { title: "how", minColumns: 8 },
        ],
        attested.map((each) =>
          each.kind === "terms"
            ? [`terms: ${each.rating}`, each.provider, each.by, each.date, "-", each.how]
            : [
                each.valid ? "adult" : "adult (expired)",
                each.viewer,
                each.by,
                each.at.slice(0, 10),
                each.until.slice(0, 10),
                each.how,
              ],
        ),
        output,
      ),
    );
  }
  for (const { message } of await atelier.attest.expiring()) output.note(`Warning: ${message}.`);
  return EXIT.done;
}
