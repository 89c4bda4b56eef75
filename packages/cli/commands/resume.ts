/** @module `atelier resume`: settles what an interrupted run left open. */
import type { Command } from "commander";
import { produce } from "../produce.ts";
import { type Act, addExamples } from "./shared.ts";

export function addResume(program: Command, act: Act): void {
  const command = program
    .command("resume")
    .summary("settles what an interrupted run left open")
    .description("Brings to an end what an interrupted run left open. Nothing is bought or filed twice.")
    .action(() =>
      act((session) =>
        produce(
          session,
          (atelier, run) => atelier.resume(run),
          () => "Nothing was left open.",
        ),
      ),
    );
  addExamples(command, ["atelier resume", "atelier resume --data ./pictures --json"]);
}
