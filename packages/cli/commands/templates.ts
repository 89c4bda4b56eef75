/** @module `atelier templates`: what there is to generate from, and what one template would give. */
import type { Catalogue } from "@atelier/core/catalogue";
import { templateDocuments } from "@atelier/core/catalogue-document";
import { unknownName } from "@atelier/core/closest";
import { formatUsd } from "@atelier/core/money";
import type { Command } from "commander";
import { microsOf } from "../documents.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { VARIATIONS_MAX, wholeNumber } from "../options.ts";
import type { Session } from "../session.ts";
import { renderTable } from "../table.ts";
import { reportVariations } from "../variation-report.ts";
import { type Act, addExamples, addSeedOption } from "./shared.ts";

const PREVIEWED_DEFAULT = 5;
/** A preview is the same each time unless another seed is asked for. */
const SEED_DEFAULT = 1;

interface TemplatesOptions {
  readonly variations: number;
  readonly seed?: number;
}

export function addTemplates(program: Command, act: Act): void {
  const command = program
    .command("templates")
    .summary("what there is to generate from; with a NAME, a preview")
    .description(
      "Lists categories and templates. With a name, previews some of its prompts with their price.",
    )
    .argument("[name]", "a template to preview")
    .option(
      "--variations <number>",
      `how many to preview, 1 to ${VARIATIONS_MAX}`,
      (text) => wholeNumber("--variations", text, 1, VARIATIONS_MAX),
      PREVIEWED_DEFAULT,
    );
  addSeedOption(command, `another batch than that of seed ${SEED_DEFAULT}`).action(
    (name: string | undefined, options: TemplatesOptions) =>
      act(async (session) => {
        const catalogue = await session.loadCatalogue();
        return name === undefined ? list(session, catalogue) : preview(session, catalogue, name, options);
      }),
  );
  addExamples(command, [
    "atelier templates",
    "atelier templates lingerie_black_lace",
    "atelier templates feet_closeup --variations 20 --seed 7 --json",
  ]);
}

function list({ output, json }: Session, catalogue: Catalogue): ExitCode {
  const documents = templateDocuments(catalogue);
  if (json) {
    for (const document of documents) output.document(document);
    return EXIT.done;
  }
  output.text(
    renderTable(
      [
        { title: "category" },
        { title: "rating" },
        { title: "template" },
        { title: "prompts", align: "right" },
        { title: "list price", align: "right" },
        { title: "description", minColumns: 12 },
      ],
      documents.map((document) => [
        document.category,
        document.rating,
        document.template ?? "(your own prompt)",
        document.combinations === null ? "-" : document.combinations.toLocaleString("en-US"),
        document.price === null ? "-" : formatUsd(microsOf(document.price.list)),
        document.description,
      ]),
      output,
    ),
  );
  return EXIT.done;
}

async function preview(
  session: Session,
  { categories }: Catalogue,
  name: string,
  options: TemplatesOptions,
): Promise<ExitCode> {
  const category = categories.find(({ templates }) => templates.some((template) => template.name === name));
  if (category === undefined) {
    const names = categories.flatMap(({ templates }) => templates.map((template) => template.name));
    throw unknownName("template", name, names);
  }
  return session.withAtelier(async (atelier) => {
    const variations = await atelier.previewGenerate({
      category: category.name,
      template: name,
      count: options.variations,
      seed: options.seed ?? SEED_DEFAULT,
      model: null,
      maxCostMicros: null,
      parameters: {},
    });
    return reportVariations(variations, null, session);
  });
}
