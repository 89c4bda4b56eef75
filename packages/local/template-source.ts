/**
 * @module A YAML file of `templates/` with the line of everything in it, and what is wrong with it as
 * `file:line: expected …, found …`. Keys are snake_case in the files and camelCase in the schemas of core.
 */
import { closestName } from "@atelier/core/closest";
import { type Document, LineCounter, isAlias, isMap, isScalar, isSeq, parseDocument } from "yaml";
import * as z from "zod";

export interface Problem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly expected: string;
  readonly found: string;
}

/** `path` leads through the parsed value: keys as in the schemas, and positions in lists. */
export type ValuePath = readonly (string | number)[];

export interface Source<T> {
  readonly file: string;
  readonly value: T;
  /** The line of the value (of its key in a mapping), or of the nearest thing around it that is there. */
  lineOf(path: ValuePath): number;
}

/** A problem at a path, with its line looked up. */
export function problemAt(
  source: Pick<Source<unknown>, "file" | "lineOf">,
  path: ValuePath,
  expected: string,
  found: string,
): Problem {
  return { file: source.file, line: source.lineOf(path), expected, found };
}

export function problemInWords(problem: Problem): string {
  return `${problem.file}:${problem.line}: expected ${problem.expected}, found ${problem.found}`;
}

/**
 * Parses and checks one file.
 *
 * @param file the name to show
 * @returns the parsed value, or every problem that was found
 */
export function parseSource<T>(file: string, text: string, schema: z.ZodType<T>): Source<T> | Problem[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    return faults.map((fault) => ({
      file,
      line: lines.linePos(fault.pos[0]).line,
      ...faultInWords(fault.code, fault.message),
    }));
  }
  const lineOf = (path: ValuePath) => lines.linePos(offsetOf(document, path)).line;
  const source = { file, lineOf };
  const camelCase: Problem[] = [];
  const value = renamed(document.toJS(), [], (path, key, written) => {
    camelCase.push(problemAt(source, [...path, key], `\`${key}\``, `\`${written}\``));
  });
  const result = schema.safeParse(value);
  const problems = [
    ...camelCase,
    ...(result.success ? [] : withoutMisspelt(result.error.issues.flatMap((issue) => problemsOf(issue, value, schema)))),
  ];
  if (result.success && problems.length === 0) return { file, value: result.data, lineOf };
  return problems.map((problem) =>
    "file" in problem ? problem : problemAt(source, problem.path, problem.expected, problem.found),
  );
}

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

function faultInWords(code: string, message: string): { expected: string; found: string } {
  if (code === "DUPLICATE_KEY") return { expected: "each key once", found: "a key for the second time" };
  if (code === "TAB_AS_INDENT") return { expected: "blanks for indentation", found: "a tab" };
  return { expected: "YAML", found: message.replace(/\s+/g, " ") };
}

// ------------------------------------------------------------------------------------------------ keys

const SNAKE_CASE_KEYS: Readonly<Record<string, string>> = {
  negative_prompt: "negativePrompt",
  guidance_scale: "guidanceScale",
  terms_expire_after_days: "termsExpireAfterDays",
  price_usd: "priceUsd",
  characters_max: "charactersMax",
  multiple_of: "multipleOf",
  typical_seconds: "typicalSeconds",
};
const WRITTEN_KEYS = Object.fromEntries(Object.entries(SNAKE_CASE_KEYS).map(([written, key]) => [key, written]));

/** Below these the keys are names that the file itself chooses. */
const KEYS_OF_NAMES = new Set(["slots", "plans", "concepts", "raises", "extras", "values", "terms"]);

function writtenKey(key: string): string {
  return WRITTEN_KEYS[key] ?? key;
}

function renamed(
  value: unknown,
  path: ValuePath,
  onCamelCase: (path: ValuePath, key: string, written: string) => void,
): unknown {
  if (Array.isArray(value)) return value.map((item, at) => renamed(item, [...path, at], onCamelCase));
  if (typeof value !== "object" || value === null) return value;
  const isNames = KEYS_OF_NAMES.has(String(path.at(-1)));
  return Object.fromEntries(
    Object.entries(value).map(([written, item]) => {
      const key = isNames ? written : (SNAKE_CASE_KEYS[written] ?? written);
      if (!isNames && written in WRITTEN_KEYS) onCamelCase(path, writtenKey(written), written);
      return [key, renamed(item, [...path, key], onCamelCase)];
    }),
  );
}

function offsetOf(document: Document.Parsed, path: ValuePath): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range?.[0] ?? 0;
  for (const segment of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(
        ({ key }) => isScalar(key) && [String(segment), writtenKey(String(segment))].includes(String(key.value)),
      );
      if (pair === undefined) return offset;
      if (isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      const item: unknown = node.items[Number(segment)];
      if (!isMap(item) && !isSeq(item) && !isScalar(item) && !isAlias(item)) return offset;
      offset = item.range?.[0] ?? offset;
      node = item;
    } else return offset;
  }
  return offset;
}

// ------------------------------------------------------------------------------------------------ schema issues

interface PathProblem {
  readonly path: ValuePath;
  readonly expected: string;
  readonly found: string;
  /** For an unknown key: the known one that was probably meant. */
  readonly meant?: string | null;
}

function problemsOf(issue: z.core.$ZodIssue, root: unknown, schema: z.ZodType): PathProblem[] {
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
      return one(issue.message.startsWith("Invalid") ? `text like ${String(issue.pattern ?? issue.format)}` : issue.message);
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
function withoutMisspelt(problems: readonly PathProblem[]): PathProblem[] {
  const meant = new Set(
    problems.flatMap((problem) =>
      typeof problem.meant === "string" ? [JSON.stringify([...problem.path.slice(0, -1), problem.meant])] : [],
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
  return [...new Set(schemasAt(schema, path).flatMap((found) => (found instanceof z.ZodObject ? Object.keys(found.shape) : [])))];
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
