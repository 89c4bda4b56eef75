/**
 * @module The API's own words: core's messages and the error table speak to whoever sits at the command line, and a caller over HTTP
 * can run none of its commands.
 */
import type { ErrorEntry } from "@atelier/core/error-entry";
import { ERRORS } from "@atelier/core/error-table";
import type { ErrorName } from "@atelier/core/errors";

/** A command, an option, a variable of the environment: nothing that a caller can use. */
export const OF_THE_COMMAND_LINE = /`atelier [a-z]|(?<=^|\s)--[a-z]|\bATELIER_[A-Z]/;

/** What a caller over HTTP can do about it. */
export function remedyOverHttp(name: ErrorName): string {
  const { remedy, remedyOverHttp: own }: ErrorEntry = ERRORS[name];
  return own ?? remedy;
}

/** The longer command first. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/`atelier budget set`/g, "`PUT /v1/budgets/{scope}`"],
  [/`atelier review reject`/g, '`POST /v1/images/{id}/review` with `"action": "reject"`'],
  [/`atelier review lift [^`]*`/g, "`POST /v1/callers/{name}/lift`"],
  [/`atelier review list`/g, "`GET /v1/reviews`"],
  [/`atelier review callers`/g, "`GET /v1/callers`"],
  [/`atelier review`/g, "`POST /v1/images/{id}/review`"],
  [/`atelier images`/g, "`GET /v1/images`"],
  [/`atelier audit`/g, "`GET /v1/audit`"],
  [/`atelier cancel [^`]*`/g, "`POST /v1/requests/{id}/cancel`"],
  [/ and settle it with `atelier resume` first/g, ", and wait until it is settled"],
  [/attest your own account's with ATELIER_TERMS=\S+/g, "the operator may attest to their own account's"],
  [/--(reason|rating)\b/g, "`$1`"],
  [/--max-cost\b/g, "`max_cost`"],
];

/** The same message, where it names commands and options, by routes and fields. */
export function inWordsOfHttp(message: string): string {
  return WORDS.reduce((told, [pattern, words]) => told.replaceAll(pattern, words), message);
}
