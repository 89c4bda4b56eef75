/** @module `atelier versions`: the versions of an image; makes another one of what was bought, or another one current. */
import { ENHANCEMENTS, type Enhancement } from "@atelier/core/pictures";
import type { VersionDocument } from "@atelier/core/version-document";
import type { Command } from "commander";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { oneOf, usageError, wholeNumber } from "../options.ts";
import type { Session } from "../session.ts";
import { renderTable } from "../table.ts";
import { type Act, addExamples } from "./shared.ts";

interface VersionOptions {
  readonly make?: true;
  readonly upscale?: 2 | 4;
  readonly enhance?: Enhancement;
  readonly current?: number;
}

/** More versions than anybody makes of a picture. */
const NUMBER_MAX = 1_000_000;

const IMAGE = "img_01jd8v3m6w9qk2x7r5t0ybhc4f_00000";

export function addVersions(program: Command, act: Act): void {
  const command = program
    .command("versions")
    .summary("versions of an image; makes an enlarged one, or another one current")
    .description(
      "Lists the versions of an image. With --make it is developed anew from what was bought, by another recipe, without buying anything; with --current another version becomes the one that is shown. No version is ever changed.",
    )
    .argument("<image>", "an id as `atelier images` lists them")
    .option("--make", "makes a version; the same recipe again is the same version")
    .option("--upscale <factor>", "with --make: 2 or 4 times as wide and high, by resampling", factorOf)
    .option("--enhance <how>", `with --make: one of ${ENHANCEMENTS.join(", ")}`, (text) =>
      oneOf("enhancement", text, ENHANCEMENTS),
    )
    .option("--current <number>", "makes this version the one that is shown", (text) =>
      wholeNumber("--current", text, 1, NUMBER_MAX),
    )
    .action((imageId: string, options: VersionOptions) => {
      checkTogether(options);
      return act((session) => run(session, imageId, options));
    });
  addExamples(command, [
    `atelier versions ${IMAGE}`,
    `atelier versions ${IMAGE} --make --upscale 2`,
    `atelier versions ${IMAGE} --current 2`,
  ]);
}

function factorOf(text: string): 2 | 4 {
  return oneOf("factor", text, ["2", "4"]) === "2" ? 2 : 4;
}

/** @throws AtelierError `UsageError` */
function checkTogether({ make, upscale, enhance, current }: VersionOptions): void {
  if (make && current !== undefined) {
    throw usageError("--make and --current do not go together; make the version first.");
  }
  if (!make && (upscale !== undefined || enhance !== undefined)) {
    throw usageError("--upscale and --enhance say how to make a version; add --make.");
  }
}

function run(
  session: Session,
  imageId: string,
  { make, upscale, enhance, current }: VersionOptions,
): Promise<ExitCode> {
  return session.withMadeAtelier(async (atelier) => {
    const { output, json } = session;
    if (current !== undefined) {
      const image = await atelier.versions.choose(imageId, current);
      if (json) output.document(image);
      else output.text(`${imageId} shows version ${image.version}: ${image.file_path}`);
      return EXIT.done;
    }
    if (make) {
      const recipe = { ...(upscale !== undefined && { upscale }), ...(enhance !== undefined && { enhance }) };
      const version = await atelier.versions.make(imageId, recipe);
      if (json) output.document(version);
      else output.text(madeText(version));
      return version.state === "failed" ? EXIT.failed : EXIT.done;
    }
    const found = await atelier.versions.list(imageId);
    if (json) for (const version of found) output.document(version);
    else output.text(found.length === 0 ? `${imageId} has no version yet.` : versionTable(found, session));
    return EXIT.done;
  });
}

function madeText({ image_id, version, state, failure, renditions }: VersionDocument): string {
  switch (state) {
    case "failed":
      return `Version ${version} of ${image_id} failed: ${failure?.message ?? ""}`;
    case "making":
      return `Version ${version} of ${image_id} is being made by another process.`;
    case "ready":
      return `Version ${version} of ${image_id}: ${renditions.find(({ name }) => name === "full")?.path ?? ""}`;
  }
}

function versionTable(found: readonly VersionDocument[], { output }: Session): string {
  return renderTable(
    [
      { title: "version" },
      { title: "state" },
      { title: "recipe" },
      { title: "size" },
      { title: "file", minColumns: 12, cut: "start" },
    ],
    found.map((each) => {
      const full = each.renditions.find(({ name }) => name === "full");
      return [
        `${each.version}${each.current ? " (current)" : ""}`,
        each.state,
        recipeText(each),
        full ? `${full.width}x${full.height}` : "-",
        full?.path ?? each.failure?.message ?? "-",
      ];
    }),
    output,
  );
}

function recipeText({ recipe: { upscale, enhance } }: VersionDocument): string {
  const words = [
    ...(enhance === null ? [] : [`enhance ${enhance}`]),
    ...(upscale === null ? [] : [`${upscale} times larger`]),
  ];
  return words.length === 0 ? "as filed" : words.join(", ");
}
