/** @module What is said of a query, body or address that is not as the document describes. Never what was sent. */
import type { Hook } from "@hono/zod-openapi";
import type * as z from "zod";
import type { ApiEnv } from "./context.ts";
import { type FieldError, malformed, notFound } from "./problem.ts";

const PLACES = { json: "body", query: "query", header: "header" } as const;

/** More would be noise. */
const ERRORS_MAX = 20;
const NAME_CHARACTERS_MAX = 40;

/** @throws AtelierError `Malformed`; `UnknownName` for an id that cannot be one */
export const refuseInvalid: Hook<unknown, ApiEnv, string, void> = (result) => {
  if (result.success) return;
  if (result.target === "param") throw notFound("thing");
  const place = PLACES[result.target as keyof typeof PLACES] ?? "body";
  const errors = result.error.issues
    .flatMap((issue) => fieldErrors(issue as z.core.$ZodIssue, place))
    .slice(0, ERRORS_MAX);
  const [first] = errors;
  const where = first === undefined || first.pointer === "" ? place : `${place} ${first.pointer}`;
  throw malformed(`${where}: ${first?.detail ?? "is not as described"}.`, errors);
};

function fieldErrors(issue: z.core.$ZodIssue, place: FieldError["in"]): FieldError[] {
  const at = (path: readonly PropertyKey[], detail: string): FieldError => ({
    in: place,
    pointer: path.map((segment) => `/${named(segment)}`).join(""),
    detail,
  });
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => at([...issue.path, key], "is not a field here"));
    case "invalid_union":
      return [at(issue.path, "is none of the forms that the document describes")];
    default:
      return [at(issue.path, sentencePart(issue.message))];
  }
}

/** Names of fields are repeated, short and harmless; what else was sent is not. */
function named(segment: PropertyKey): string {
  const text = String(segment);
  return /^[\w.-]*$/.test(text) && text.length <= NAME_CHARACTERS_MAX ? text : "…";
}

function sentencePart(message: string): string {
  return message.replace(/\.$/, "");
}
