/** @module `atelier images`: what has been made, newest first. */
import {
  CATEGORY_NAMES,
  type Catalogue,
  type CategoryName,
  type Rating,
  ratingSchema,
} from "@atelier/core/catalogue";
import { unknownName } from "@atelier/core/closest";
import type { ImageDocument } from "@atelier/core/document";
import { IMAGE_STATUSES, type ImageStatus } from "@atelier/core/image";
import { searchWords } from "@atelier/core/words";
import type { Atelier } from "@atelier/local/facade";
import type { Command } from "commander";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { folderOf, imageTable, totalsLine } from "../image-report.ts";
import { oneOf, wholeNumber } from "../options.ts";
import type { Session } from "../session.ts";
import { type Act, addCategoryOption, addDateOption, addExamples, addLimitOption } from "./shared.ts";

interface ImagesOptions {
  readonly category?: CategoryName;
  readonly status?: ImageStatus;
  readonly tag?: string;
  readonly since?: string;
  readonly until?: string;
  readonly rating?: Rating;
  readonly template?: string;
  readonly text?: string;
  readonly minQuality?: number;
  readonly request?: string;
  readonly limit: number;
}

export function addImages(program: Command, act: Act): void {
  const command = program
    .command("images")
    .summary("what has been made, newest first")
    .description("Lists images, newest first.");
  addCategoryOption(command, `only of ${CATEGORY_NAMES.join(", ")}`)
    .option("--status <name>", `only ${IMAGE_STATUSES.join(", ")}`, (text) =>
      oneOf("status", text, IMAGE_STATUSES),
    )
    .option("--tag <name>", "only with this tag");
  addDateOption(command, "since", "only from this day on, such as 2026-11-22");
  addDateOption(command, "until", "only up to and with this day");
  command
    .option("--rating <name>", `only ${ratingSchema.options.join(", ")}`, (text) =>
      oneOf("rating", text, ratingSchema.options),
    )
    .option("--min-quality <number>", "only of this quality or better, 0 to 100", (text) =>
      wholeNumber("--min-quality", text, 0, 100),
    )
    .option("--template <name>", "only of this template")
    .option(
      "--text <words>",
      "only with all of these words in template, tags or what its slots were given",
      (text) => {
        searchWords(text);
        return text;
      },
    )
    .option("--request <id>", "only of this request, the last first");
  addLimitOption(command, "how many").action((options: ImagesOptions) =>
    act((session) => images(session, options)),
  );
  addExamples(command, [
    "atelier images --since 2026-11-01",
    "atelier images --category lingerie --tag lace --limit 10",
    "atelier images --status quarantined --json",
    'atelier images --text "soft window" --min-quality 80',
  ]);
}

function images(session: Session, options: ImagesOptions): Promise<ExitCode> {
  const { output, json } = session;
  return session.withMadeAtelier(async (atelier, signal) => {
    const found: ImageDocument[] = [];
    let count = 0;
    const { minQuality: qualityAtLeast, request: requestId, ...rest } = options;
    const filter = {
      ...rest,
      ...(qualityAtLeast !== undefined && { qualityAtLeast }),
      ...(requestId !== undefined && { requestId }),
    };
    for await (const image of atelier.images(filter)) {
      count++;
      if (json) output.document(image);
      else found.push(image);
      // Who reads on a pipe has what it wanted, or somebody wants us to stop.
      if (output.closed || signal.aborted) break;
    }
    if (count === 0 && options.tag !== undefined) await checkTag(options.tag, atelier);
    if (json) return EXIT.done;
    if (count === 0) output.text("There are no such images.");
    else
      output.text(
        `${imageTable(found, output)}\n\n${totalsLine(found, null)}\nFolder: ${folderOf(found, atelier.dataFolder)}`,
      );
    return EXIT.done;
  });
}

/** Tags also come from colours, so a tag is unknown only when no template and no image has it. */
async function checkTag(tag: string, atelier: Atelier): Promise<void> {
  const tags = tagsOf(atelier.catalogue);
  if (tags.includes(tag)) return;
  for await (const _image of atelier.images({ tag, limit: 1 })) return;
  throw unknownName("tag", tag, tags);
}

function tagsOf({ categories }: Catalogue): string[] {
  const tags = categories.flatMap(({ templates }) =>
    templates.flatMap((template) => [
      ...template.tags,
      ...Object.values(template.slots).flatMap((values) => values.flatMap((value) => value.tags)),
    ]),
  );
  return [...new Set(tags)].sort();
}
