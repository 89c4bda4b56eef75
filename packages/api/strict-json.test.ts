import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { strictJson } from "./strict-json.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);
const read = (text: string) => strictJson(bytesOf(text));

describe("JSON is read strictly:", () => {
  test("what JSON.stringify writes is read as JSON.parse does", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5, stringUnit: "grapheme" }), (text) => {
        expect(read(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  test.each([
    ["a key twice", '{"a":1,"a":2}', /twice/],
    ["a key twice, once escaped", '{"a":1,"\\u0061":2}', /twice/],
    ["a key twice, deep inside", '[{"b":[{"c":{},"c":[]}]}]', /twice/],
    ["__proto__, which readers take for different things", '{"__proto__":{"isAdmin":true}}', /no body/],
    ["__proto__, escaped and deep inside", '[{"a":{"\\u005f_proto__":1}}]', /no body/],
    ["half a surrogate pair in a value", '{"a":"\\ud800"}', /surrogate/],
    ["half a surrogate pair in a key", '{"\\udc00":1}', /surrogate/],
    ["too deep", `${"[".repeat(33)}${"]".repeat(33)}`, /deep/],
    ["nothing", "", /not JSON/],
    ["two values", "{}{}", /not JSON/],
    ["a comma too many", '{"a":1,}', /not JSON/],
    ["a comment", "{}//", /not JSON/],
    ["NaN", '{"a":NaN}', /not JSON/],
  ])("%s is refused", (_, text, message) => {
    expect(() => read(text)).toThrow(message);
  });

  test.each([
    ["the same key in two objects", '[{"a":1},{"a":1}]'],
    ["a key as the value before it", '{"a":"b","b":"a"}'],
    ["marks of structure inside strings", '{"{":"}","[":"\\":,"}'],
    ["a whole surrogate pair", '{"a":"\\ud83d\\ude00"}'],
    ["32 levels", `${"[".repeat(32)}${"]".repeat(32)}`],
  ])("%s is taken", (_, text) => {
    expect(read(text)).toEqual(JSON.parse(text));
  });

  test("bytes that are not UTF-8 are refused", () => {
    expect(() => strictJson(new Uint8Array([0x22, 0xff, 0x22]))).toThrow(/UTF-8/);
  });
});
