/** @module `atelier show`: everything about one image. */
import type { Command } from "commander";
import { EXIT } from "../exit-codes.ts";
import { imageDetails } from "../image-report.ts";
import { type Act, addExamples } from "./shared.ts";

export function addShow(program: Command, act: Act): void {
  const command = program
    .command("show")
    .summary("everything about one image")
    .description("Shows everything about one image: prompt, parameters, files, cost, verdict.")
    .argument("<image>", "an id as `atelier images` lists them")
    .action((imageId: string) =>
      act((session) =>
        session.withMadeAtelier(async (atelier) => {
          const image = await atelier.show(imageId);
          if (session.json) session.output.document(image);
          else session.output.text(imageDetails(image, atelier.dataFolder, session.output));
          return EXIT.done;
        }),
      ),
    );
  addExamples(command, [
    "atelier show img_01jd8v3m6w9qk2x7r5t0ybhc4f_00000",
    "atelier show img_01jd8v3m6w9qk2x7r5t0ybhc4f_00000 --json",
  ]);
}
