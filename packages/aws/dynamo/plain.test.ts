import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { plainOf } from "./plain.ts";

const numbers = { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER, noNaN: true };
// `marshall` takes what has a `constructor` of its own for an instance of a class, and refuses it; read below.
const NOT_MARSHALLED = ["__proto__", "constructor"];
const names = fc.string({ minLength: 1 }).filter((name) => !NOT_MARSHALLED.includes(name));
const { record } = fc.letrec<{ value: unknown; record: Record<string, unknown> }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(fc.string(), fc.double(numbers), fc.boolean(), fc.constant(null)),
    fc.array(tie("value"), { maxLength: 4 }),
    tie("record"),
  ),
  record: fc.dictionary(names, tie("value"), { maxKeys: 4 }),
}));

test("an item comes back as it was stored, as the SDK reads it", () => {
  fc.assert(
    fc.property(record, (value) => {
      const stored = marshall(value);
      expect(plainOf(stored)).toStrictEqual(unmarshall(stored));
    }),
  );
});

test.each<[string, AttributeValue]>([
  ["false", { BOOL: false }],
  ["null", { NULL: true }],
  ["an empty text", { S: "" }],
  ["a fraction", { N: "-0.25" }],
  ["the largest exact number", { N: "9007199254740991" }],
  ["a larger number", { N: "9007199254740993" }],
  ["a set", { SS: ["a", "b"] }],
  ["bytes", { B: Uint8Array.of(1, 2) }],
  ["a map with a constructor", { M: { constructor: { BOOL: true } } }],
])("%s is what the SDK makes of it", (_what, value) => {
  expect(plainOf({ value })).toStrictEqual(unmarshall({ value }));
});

test.each([
  ["nothing", {}],
  ["another type", { X: "x" }],
])("%s is refused", (_what, value) => {
  expect(() => plainOf({ value: value as unknown as AttributeValue })).toThrow(Error);
});
