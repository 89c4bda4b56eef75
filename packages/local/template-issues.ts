/** @module What a schema has against a value of `templates/`, in the words of somebody who writes these files. */
import { closestName } from "@atelier/core/closest";
import * as z from "zod";
import { type ValuePath, writtenKey } from "./template-keys.ts";

/** A value for people: short, on one line. */
export function shown(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value === "object") return "a mapping";
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…"` : text;
}

/** "one of a, b, c", with the nearest name when there is one. */
export function oneOf(names: readonly string[], written?: unknown): string {
  const closest = typeof written === "string" ? closestName(written, names) : null;
  return `one of ${names.join(", ")}${closest === null ? "" : ` (did you mean \`${closest}\`?)`}`;
}

export interface PathProblem {
  readonly path: ValuePath;
  readonly expected: string;
  readonly found: string;
  /** For an unknown key: the known one that was probably meant. */
  readonly meant?: string | null;
}

/** What an issue says, as expected and found. `root` is the value that the schema was tried on. */
export function problemsOf(issue: z.core.$ZodIssue, root: unknown, schema: z.ZodType): PathProblem[] {
  const path = issue.path.map((segment) => (typeof segment === "number" ? segment : String(segment)));
  const value = valueAt(root, path);
  const one = (expected: string): PathProblem[] => [{ path, expected, found: shown(value) }];
  switch (issue.code) {
    case "unrecognized_keys": {
      const known = keysAt(schema, path).filter((key) => valueAt(root, [...path, key]) === undefined);
      return issue.keys.map((key) => {
        const meant = closestName(key, known.map(writtenKey));
        const expected =
          meant === null ? `only ${keysAt(schema, path).map(writtenKey).join(", ")}` : `\`${meant}\``;
        return { path: [...path, key], expected, found: `the unknown key \`${key}\``, meant };
      });
    }
    case "invalid_type":
      return one(TYPES_IN_WORDS[issue.expected] ?? issue.expected);
    case "invalid_value":
      return one(issue.values.length === 1 ? shown(issue.values[0]) : oneOf(issue.values.map(String), value));
    case "too_small":
      return one(`at least ${issue.minimum}${unitOf(issue.origin)}`);
    case "too_big":
      return one(`at most ${issue.maximum}${unitOf(issue.origin)}`);
    case "not_multiple_of":
      return one(`a multiple of ${issue.divisor}`);
    case "invalid_format":
      // The schemas of core say in their message what they expect; zod's own messages begin with "Invalid".
      return one(
        issue.message.startsWith("Invalid")
          ? `text like ${String(issue.pattern ?? issue.format)}`
          : issue.message,
      );
    case "invalid_key":
      return issue.issues.flatMap((inner) =>
        problemsOf({ ...inner, path: [] }, path.at(-1), z.string()).map((problem) => ({ ...problem, path })),
      );
    case "invalid_union": {
      const options = discriminatorValues(schema, path);
      if (options.length > 0) return one(oneOf(options, value));
      // Whoever wrote a mapping meant the mapping: its own problems say more than "neither".
      const meant = issue.errors.find((issues) => issues.some((inner) => inner.path.length > 0));
      if (meant !== undefined) {
        return meant.flatMap((inner) =>
          problemsOf({ ...inner, path: [...issue.path, ...inner.path] }, root, schema),
        );
      }
      const expected = issue.errors.flatMap((issues) =>
        issues.slice(0, 1).flatMap((inner) => problemsOf({ ...inner, path: issue.path }, root, schema)),
      );
      return one([...new Set(expected.map((problem) => problem.expected))].join(" or "));
    }
    default:
      return one(issue.message);
  }
}

const TYPES_IN_WORDS: Readonly<Record<string, string>> = {
  string: "text (quote it if it looks like a number)",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
  record: "a mapping",
};

function unitOf(origin: string): string {
  if (origin === "string") return " characters";
  return origin === "array" || origin === "set" || origin === "map" ? " items" : "";
}

/** A misspelt key is one mistake: what is missing under its right name is not reported again. */
export function withoutMisspelt(problems: readonly PathProblem[]): PathProblem[] {
  const meant = new Set(
    problems.flatMap((problem) =>
      typeof problem.meant === "string"
        ? [JSON.stringify([...problem.path.slice(0, -1), problem.meant])]
        : [],
    ),
  );
  return problems.filter((problem) => {
    const key = problem.path.at(-1);
    const written = typeof key === "string" ? [...problem.path.slice(0, -1), writtenKey(key)] : problem.path;
    return problem.found !== "nothing" || !meant.has(JSON.stringify(written));
  });
}

function valueAt(root: unknown, path: ValuePath): unknown {
  return path.reduce<unknown>(
    (value, segment) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, segment)
        ? (value as Record<string | number, unknown>)[segment]
        : undefined,
    root,
  );
}

function keysAt(schema: z.ZodType, path: ValuePath): string[] {
  return [
    ...new Set(
      schemasAt(schema, path).flatMap((found) =>
        found instanceof z.ZodObject ? Object.keys(found.shape) : [],
      ),
    ),
  ];
}

/** The values that tell a union's members apart, when the path leads to where they stand. */
function discriminatorValues(schema: z.ZodType, path: ValuePath): string[] {
  const key = path.at(-1);
  if (typeof key !== "string") return [];
  return schemasAt(schema, path.slice(0, -1))
    .filter((found) => found instanceof z.ZodDiscriminatedUnion && found.def.discriminator === key)
    .flatMap(() => schemasAt(schema, path))
    .flatMap((found) => (found instanceof z.ZodLiteral ? [...found.values].map(String) : []));
}

/** Every schema that may stand at a path: unions are followed into all their members. */
function schemasAt(schema: z.ZodType, path: ValuePath): z.ZodType[] {
  let current = opened(schema);
  for (const segment of path) {
    current = current.flatMap((found) => {
      const next =
        found instanceof z.ZodObject
          ? found.shape[segment]
          : found instanceof z.ZodArray
            ? found.element
            : found instanceof z.ZodRecord
              ? found.valueType
              : undefined;
      return next instanceof z.ZodType ? opened(next) : [];
    });
  }
  return current;
}

function opened(schema: z.ZodType): z.ZodType[] {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodNullable || schema instanceof z.ZodOptional) {
    return opened(schema.unwrap() as z.ZodType);
  }
  if (schema instanceof z.ZodUnion) {
    return [schema, ...schema.options.flatMap((option) => opened(option as z.ZodType))];
  }
  return [schema];
}
