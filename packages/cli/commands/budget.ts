/** @module `atelier budget`: what may be spent, what has been, and changing it. */

import type { BudgetProof } from "@atelier/core/budget-verify";
import type { BudgetDocument } from "@atelier/core/document";
import { formatUsd, type Micros, microsFromUsd } from "@atelier/core/money";
import type { Command } from "commander";
import { microsOf, proofDocument } from "../documents.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { countOf } from "../image-report.ts";
import { usageError } from "../options.ts";
import type { Session } from "../session.ts";
import { renderTable } from "../table.ts";
import { type Act, addExamples, categoryName } from "./shared.ts";

interface Cap {
  readonly scope: string;
  /** Null takes the cap away. */
  readonly limitMicros: Micros | null;
}
interface SetOptions {
  readonly day?: Micros;
  readonly month?: Micros;
  readonly cap?: readonly Cap[];
}

export function addBudget(program: Command, act: Act): void {
  const command = program
    .command("budget")
    .summary("limits and what is left; `budget set` changes them")
    .description("Shows each limit with what is spent, held and left.")
    .action(() =>
      act((session) =>
        session.withMadeAtelier(async (atelier) => reportBudget(session, await atelier.budget())),
      ),
    );
  addExamples(command, ["atelier budget", "atelier budget --json", "atelier budget set --day 5 --month 100"]);

  addVerify(command, act);

  const set = command
    .command("set")
    .summary("changes limits")
    .description("Changes limits. Not even calls at the same moment can spend more than a limit.")
    .option("--day <usd>", "for a calendar day", (text) => microsFromUsd(text, "--day"))
    .option("--month <usd>", "for a calendar month", (text) => microsFromUsd(text, "--month"))
    .option(
      "--cap <scope=usd>",
      "for a month at a provider or in a category; none takes it away; may be repeated",
      (text, previous: readonly Cap[] = []) => [...previous, capOf(text)],
    )
    .action((options: SetOptions) => act((session) => setBudget(session, options)));
  addExamples(set, [
    "atelier budget set --day 5 --month 100",
    "atelier budget set --cap provider:replicate=50 --cap category:feet=20",
    "atelier budget set --cap category:feet=none",
  ]);
}

function addVerify(budget: Command, act: Act): void {
  const command = budget
    .command("verify")
    .summary("proves the budget from the records")
    .description(
      "Holds every counter of this month's ledger against the attempts: what remains must be the limit less what was settled and what is held.",
    )
    .action(() =>
      act((session) =>
        session.withMadeAtelier(async (atelier) => reportProof(session, await atelier.proveBudget())),
      ),
    );
  addExamples(command, ["atelier budget verify", "atelier budget verify --json"]);
}

function reportProof({ output, json }: Session, proof: BudgetProof): ExitCode {
  const documents = proof.counters.map(proofDocument);
  if (json) {
    for (const document of documents) output.document(document);
  } else {
    const dollars = (usd: number) => formatUsd(microsOf(usd));
    output.text(
      renderTable(
        [
          { title: "scope", style: () => "bold" },
          { title: "period" },
          { title: "limit", align: "right" },
          { title: "spent", align: "right" },
          { title: "held", align: "right" },
          { title: "left", align: "right" },
          {
            title: "difference",
            align: "right",
            style: (difference) => (difference === "$0.00" ? "green" : "red"),
          },
        ],
        documents.map((document) => [
          document.scope,
          document.period,
          document.limit === null ? "-" : dollars(document.limit),
          dollars(document.spent),
          dollars(document.held),
          document.limit === null ? "-" : dollars(document.remaining),
          dollars(document.difference),
        ]),
        output,
      ),
    );
    output.text(
      proof.isProved
        ? `Proved from ${countOf(proof.attempts, "attempt")}: limit = left + spent + held in every scope.`
        : `Not proved from ${countOf(proof.attempts, "attempt")}; \`atelier resume\` brings the ledger up to date, then verify again.`,
    );
    if (proof.leakedHolds.length > 0)
      output.text(`Holds without an open attempt: ${proof.leakedHolds.join(", ")}`);
  }
  return proof.isProved ? EXIT.done : EXIT.failed;
}

function setBudget(session: Session, { day, month, cap = [] }: SetOptions): Promise<ExitCode> {
  const changes: Cap[] = [
    ...(day === undefined ? [] : [{ scope: "day", limitMicros: day }]),
    ...(month === undefined ? [] : [{ scope: "month", limitMicros: month }]),
    ...cap,
  ];
  if (changes.length === 0) throw usageError("There is nothing to set: give --day, --month or --cap.");
  return session.withAtelier(async (atelier) => {
    for (const { scope, limitMicros } of changes) await atelier.setBudget(scope, limitMicros);
    return reportBudget(session, await atelier.budget());
  });
}

/** `provider:replicate=5`, `category:feet=none` */
function capOf(text: string): Cap {
  const match = /^(provider|category):([^=]*)=(.*)$/.exec(text);
  const [, kind, name = "", amount = ""] = match ?? [];
  if (kind === undefined) {
    throw usageError(
      `--cap is "${text}", but must be such as provider:replicate=50, category:feet=20 or category:feet=none.`,
    );
  }
  // Providers are the catalogue's: whoever sets the limit knows them.
  const known = kind === "provider" ? name : categoryName(name);
  const scope = `${kind}:${known}`;
  return { scope, limitMicros: amount === "none" ? null : microsFromUsd(amount, `--cap ${scope}`) };
}

function reportBudget({ output, json }: Session, budgets: readonly BudgetDocument[]): ExitCode {
  if (json) {
    for (const budget of budgets) output.document(budget);
    return EXIT.done;
  }
  const dollars = (usd: number) => formatUsd(microsOf(usd));
  output.text(
    renderTable(
      [
        { title: "scope", style: () => "bold" },
        { title: "period" },
        { title: "limit", align: "right" },
        { title: "spent", align: "right" },
        { title: "held", align: "right" },
        { title: "left", align: "right", style: (left) => (left.startsWith("-") ? "red" : null) },
        { title: "resets", minColumns: 10 },
      ],
      budgets.map((budget) => [
        budget.scope,
        budget.period,
        dollars(budget.limit),
        dollars(budget.spent),
        dollars(budget.held),
        dollars(budget.remaining),
        budget.resets_at,
      ]),
      output,
    ),
  );
  return EXIT.done;
}
