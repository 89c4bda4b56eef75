/** @module `atelier serve`: the API on this machine, and the calendar and the reconciler beside it, until it is stopped. */
import type { Serving } from "@atelier/local/facade";
import type { Command } from "commander";
import { EXIT } from "../exit-codes.ts";
import { wholeNumber } from "../options.ts";
import type { Session } from "../session.ts";
import { type Act, addExamples } from "./shared.ts";

const PORT_DEFAULT = 8787;
const PORT_MAX = 65_535;
const TOKEN_DAYS_DEFAULT = 30;
const TOKEN_DAYS_MAX = 365;

interface ServeOptions {
  readonly port: number;
  readonly tokenDays: number;
  readonly revokeTokens?: boolean;
  readonly calendar: boolean;
}

export function addServe(program: Command, act: Act): void {
  const command = program
    .command("serve")
    .summary("the API on this machine; also fires the calendar and settles what is open")
    .description(
      "Serves the API to programs on this machine, fires the calendar at its local times, and takes up what was interrupted, until it is stopped. Prints its address and a token once; the address with /reference explains every call, with /openapi.json so for programs.",
    )
    .option("--port <number>", "0 takes any that is free", port, PORT_DEFAULT)
    .option(
      "--token-days <number>",
      `how long the token is good, 1 to ${TOKEN_DAYS_MAX}`,
      days,
      TOKEN_DAYS_DEFAULT,
    )
    .option("--revoke-tokens", "tokens that were printed before are good no more")
    .option("--no-calendar", "fires nothing by itself")
    .action((options: ServeOptions) => act((session) => serve(session, options)));
  addExamples(command, [
    "atelier serve",
    "atelier serve --port 0 --json",
    "atelier serve --revoke-tokens --token-days 7",
  ]);
}

const port = (text: string) => wholeNumber("--port", text, 0, PORT_MAX);
const days = (text: string) => wholeNumber("--token-days", text, 1, TOKEN_DAYS_MAX);

function serve(session: Session, options: ServeOptions) {
  return session.withAtelier(async (atelier, signal) => {
    const serving = await atelier.serve({ ...options, revokeTokens: options.revokeTokens ?? false });
    try {
      print(serving, session);
      await aborted(signal);
    } finally {
      await serving.close();
    }
    return EXIT.done;
  });
}

function print({ url, token }: Serving, { output, json }: Session): void {
  if (json) output.document({ url, token });
  else {
    output.text(
      `Atelier is at ${url}, for programs on this machine; ${url}/reference says how to call it.\nToken: ${token}`,
    );
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
