/**
 * @module A YAML file of `templates/` with the line of everything in it, and what is wrong with it as
 * `file:line: expected …, found …`. Keys are snake_case in the files and camelCase in the schemas of core.
 */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from "yaml";
import type * as z from "zod";
import { problemsOf, withoutMisspelt } from "./template-issues.ts";
import { renamed, type ValuePath, writtenKey } from "./template-keys.ts";

export interface Problem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly expected: string;
  readonly found: string;
}

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
  return parsed(file, text, schema, true);
}

/** As `parseSource`, for a JSON file: its keys are taken as they stand. */
export function parseJsonSource<T>(file: string, text: string, schema: z.ZodType<T>): Source<T> | Problem[] {
  try {
    JSON.parse(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : "";
    const offset = Number(/at position (\d+)/.exec(message)?.[1] ?? text.length);
    const line = text.slice(0, offset).split("\n").length;
    return [{ file, line, expected: "JSON", found: message.replace(/\s+/g, " ") }];
  }
  // JSON is YAML as well, and YAML's parser tells where everything stands.
  return parsed(file, text, schema, false);
}

function parsed<T>(
  file: string,
  text: string,
  schema: z.ZodType<T>,
  snakeCase: boolean,
): Source<T> | Problem[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const faults: Problem[] = [...document.errors, ...document.warnings].map((fault) => ({
    file,
    line: lines.linePos(fault.pos[0]).line,
    ...faultInWords(fault.code, fault.message),
  }));
  const anchors = new Set<string>();
  visit(document, {
    Node(_, node) {
      if (!isAlias(node)) {
        if (node.anchor !== undefined) anchors.add(node.anchor);
      } else if (!anchors.has(node.source)) {
        const line = lines.linePos(node.range?.[0] ?? 0).line;
        faults.push({ file, line, expected: "an anchor above", found: `the alias \`*${node.source}\`` });
      }
    },
  });
  if (faults.length > 0) return faults;
  const lineOf = (path: ValuePath) => lines.linePos(offsetOf(document, path)).line;
  const source = { file, lineOf };
  const camelCase: Problem[] = [];
  const value = snakeCase
    ? renamed(document.toJS(), [], (path, key, written) => {
        camelCase.push(problemAt(source, [...path, key], `\`${key}\``, `\`${written}\``));
      })
    : document.toJS();
  const result = schema.safeParse(value);
  const problems = [
    ...camelCase,
    ...(result.success
      ? []
      : withoutMisspelt(result.error.issues.flatMap((issue) => problemsOf(issue, value, schema)))),
  ];
  if (result.success && problems.length === 0) return { file, value: result.data, lineOf };
  return problems.map((problem) =>
    "file" in problem ? problem : problemAt(source, problem.path, problem.expected, problem.found),
  );
}

function faultInWords(code: string, message: string): { expected: string; found: string } {
  if (code === "DUPLICATE_KEY") return { expected: "each key once", found: "a key for the second time" };
  if (code === "TAB_AS_INDENT") return { expected: "blanks for indentation", found: "a tab" };
  return { expected: "YAML", found: message.replace(/\s+/g, " ") };
}

function offsetOf(document: Document.Parsed, path: ValuePath): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range?.[0] ?? 0;
  for (const segment of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(
        ({ key }) =>
          isScalar(key) && [String(segment), writtenKey(String(segment))].includes(String(key.value)),
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
