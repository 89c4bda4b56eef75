/** @module `atelier cancel`: stops a request or one image. */
import type { Command } from "commander";
import { EXIT } from "../exit-codes.ts";
import { countOf } from "../image-report.ts";
import { type Act, addExamples } from "./shared.ts";

export function addCancel(program: Command, act: Act): void {
  const command = program
    .command("cancel")
    .argument("<id>", "a request (req_...) or an image (img_...)")
    .summary("stops a request or an image; what runs is stopped at its provider")
    .description(
      "Cancels what has not ended. Jobs that run are stopped as far as their provider can; what they cost all the same is booked once it is known.",
    )
    .action((id: string) =>
      act((session) =>
        session.withMadeAtelier(async (atelier) => {
          const { output, json } = session;
          const { images, running } = await atelier.cancel(id);
          if (json) {
            for (const image of images) output.document(image);
            return EXIT.done;
          }
          output.text(
            images.length === 0
              ? "Everything of it had ended already."
              : `${countOf(images.length, "image")} cancelled.`,
          );
          if (running.length > 0) {
            output.text(
              `${countOf(running.length, "job")} may still be charged for; \`atelier resume\` settles what was.`,
            );
          }
          return EXIT.done;
        }),
      ),
    );
  addExamples(command, [
    "atelier cancel req_01k9xexample00000000000000",
    "atelier cancel img_01k9xexample00000000000000_0",
  ]);
}
