/**
 * @module Random bodies from the document: as its schemas say, then spoiled in any number of places, as values and as text. The
 * same seed gives the same bodies.
 */
import fc from "fast-check";
import { resolved, type Schema } from "./operations.ts";

/** Written into a string, stands for what `JSON.stringify` cannot write. */
const RAW = "\u0001raw:";

/** Wherever a value may be. */
const HOSTILE: readonly unknown[] = [
  null,
  true,
  "",
  " ",
  0,
  -1,
  0.1,
  1e308,
  -1e308,
  5e-324,
  Number.MAX_SAFE_INTEGER + 2,
  [],
  {},
  [null],
  [[[[[]]]]],
  "\u0000",
  "\ud800",
  "\u202e\u05d0\u200b",
  "\u{1f350}".repeat(300),
  "a\u0301".repeat(50),
  "x".repeat(10_000),
  "../../etc/passwd",
  "..\\..\\windows",
  "{{7*7}}<%= 7*7 %>",
  "'; DROP TABLE images; --",
  "=cmd|' /C calc'!A0",
  { __proto__: null, constructor: { prototype: { polluted: true } } },
  { $ne: null },
  `${RAW}NaN`,
  `${RAW}Infinity`,
  `${RAW}1e999`,
  `${RAW}-0`,
  `${RAW}${"9".repeat(500)}`,
  `${RAW}00`,
  `${RAW}{"a":1,"a":2}`,
  `${RAW}${"[".repeat(100)}${"]".repeat(100)}`,
  `${RAW}undefined`,
];

const NAMES = ["unknown", "__proto__", "constructor", "toString", "", "\u200b", "PROMPT", "x".repeat(300)];

/** A change of the value at a place, counted through its nodes. */
type Change =
  | { readonly kind: "replace"; readonly at: number; readonly by: unknown }
  | { readonly kind: "drop"; readonly at: number }
  | { readonly kind: "add"; readonly at: number; readonly name: string; readonly value: unknown };

/** A change of the text at a share of its length. */
type Cut =
  | { readonly kind: "insert"; readonly at: number; readonly text: string }
  | { readonly kind: "remove"; readonly at: number; readonly characters: number };

/** @returns texts that are sent as bodies */
export function bodiesOf(schema: Schema): fc.Arbitrary<string> {
  const hostile = fc.constantFrom(...HOSTILE);
  const at = fc.nat({ max: 40 });
  const change = fc.oneof(
    fc.record({ kind: fc.constant("replace" as const), at, by: fc.oneof(hostile, fc.jsonValue()) }),
    fc.record({ kind: fc.constant("drop" as const), at }),
    fc.record({
      kind: fc.constant("add" as const),
      at,
      name: fc.oneof(fc.constantFrom(...NAMES), fc.string({ unit: "binary", maxLength: 20 })),
      value: hostile,
    }),
  );
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const cut = fc.oneof(
    fc.record({
      kind: fc.constant("insert" as const),
      at: share,
      text: fc.string({ unit: "binary", maxLength: 4 }),
    }),
    fc.record({
      kind: fc.constant("remove" as const),
      at: share,
      characters: fc.integer({ min: 1, max: 5 }),
    }),
  );
  return fc
    .tuple(
      valuesOf(schema),
      // A third is as the document says: what follows is reached, too.
      fc.oneof(
        fc.constant([]),
        fc.array(change, { maxLength: 3 }),
        fc.array(change, { minLength: 1, maxLength: 8 }),
      ),
      fc.oneof(
        { weight: 5, arbitrary: fc.constant([]) },
        { weight: 1, arbitrary: fc.array(cut, { maxLength: 3 }) },
      ),
    )
    .map(([value, changes, cuts]) =>
      cuts.reduce(withCut, written(changes.reduce<unknown>(withChange, value))),
    );
}

function valuesOf(given: Schema): fc.Arbitrary<unknown> {
  const schema = resolved(given);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return fc.oneof(...choices.map(valuesOf));
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) {
    const known = schema.enum.filter((value) => WORDS.some((word) => word === value));
    return fc.constantFrom(...schema.enum, ...known, ...known, ...known);
  }
  const types = [schema.type ?? "object"].flat();
  return fc.oneof(...types.map((type) => ofType(type, schema)));
}

function ofType(type: string, schema: Schema): fc.Arbitrary<unknown> {
  const { minimum: min = -1_000_000, maximum: max = 1_000_000, multipleOf = 1 } = schema;
  switch (type) {
    case "null":
      return fc.constant(null);
    case "boolean":
      return fc.boolean();
    case "integer":
      return fc
        .integer({ min: Math.ceil(min / multipleOf), max: Math.floor(max / multipleOf) })
        .map((steps) => steps * multipleOf);
    case "number":
      return fc.oneof(
        fc.integer({ min, max }),
        fc.double({ min, max, noNaN: true }),
        // Amounts as people write them.
        fc.integer({ min: Math.ceil(min), max: Math.floor(max) }).map((whole) => whole / 100),
      );
    case "string":
      return strings(schema);
    case "array":
      return fc.array(valuesOf(schema.items ?? {}), { maxLength: 5 });
    case "object":
      return objects(schema);
    default:
      throw new Error(`No value of the type ${type} can be made.`);
  }
}

/** With everything that may be there, each or none of it. */
function objects({ properties = {}, required = [] }: Schema): fc.Arbitrary<unknown> {
  const fields = Object.fromEntries(Object.entries(properties).map(([name, of]) => [name, valuesOf(of)]));
  const needed = Object.fromEntries(required.flatMap((name) => (fields[name] ? [[name, fields[name]]] : [])));
  return fc.oneof(fc.record(fields, { requiredKeys: [...required] }), fc.record(needed));
}

/** Words that are meant by the catalogue of the tests, so that some bodies are accepted. */
const WORDS = [
  "weekend_special",
  "custom",
  "still_life",
  "a bowl of pears",
  "sdxl",
  "replicate",
  "forbiddenword",
  "an adult",
];

function strings({ pattern, minLength = 0, maxLength = 300 }: Schema): fc.Arbitrary<string> {
  if (pattern !== undefined)
    return fc.oneof(fc.stringMatching(new RegExp(pattern)), fc.constantFrom(...WORDS));
  const free = fc.string({ unit: "grapheme", minLength, maxLength: Math.min(maxLength, 300) });
  return fc.oneof(fc.constantFrom(...WORDS), free);
}

function withChange(value: unknown, change: Change): unknown {
  const place = change.at % nodesIn(value);
  let node = -1;
  const walk = (here: unknown): unknown => {
    node++;
    const isHere = node === place;
    if (isHere && change.kind === "replace") return change.by;
    if (Array.isArray(here)) return here.map(walk);
    if (here === null || typeof here !== "object") return here;
    const fields = Object.entries(here).map(([name, field]) => [name, walk(field)] as const);
    if (isHere && change.kind === "drop") return Object.fromEntries(fields.slice(1));
    // An own field, also where it is called `__proto__`.
    return Object.fromEntries(
      isHere && change.kind === "add" ? [...fields, [change.name, change.value]] : fields,
    );
  };
  return walk(value);
}

function nodesIn(value: unknown): number {
  if (value === null || typeof value !== "object") return 1;
  return Object.values(value).reduce<number>((sum, field) => sum + nodesIn(field), 1);
}

function written(value: unknown): string {
  const text = JSON.stringify(value) ?? "";
  const marker = JSON.stringify(RAW).slice(1, -1);
  return text.replaceAll(
    new RegExp(`"${marker.replaceAll("\\", "\\\\")}((?:[^"\\\\]|\\\\.)*)"`, "g"),
    (_, raw: string) => JSON.parse(`"${raw}"`),
  );
}

function withCut(text: string, cut: Cut): string {
  const at = Math.floor(cut.at * text.length);
  return cut.kind === "insert"
    ? text.slice(0, at) + cut.text + text.slice(at)
    : text.slice(0, at) + text.slice(at + cut.characters);
}
