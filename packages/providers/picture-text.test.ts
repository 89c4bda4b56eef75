import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createPictureText, PICTURE_CHARACTERS_MIN } from "./picture-text.ts";

/** The text in pieces that end at the given shares of it. */
function pieces(text: string, cuts: readonly number[]): Uint8Array[] {
  const bytes = Buffer.from(text, "utf8");
  const places = [...cuts.map((cut) => Math.floor(cut * bytes.length)), bytes.length].sort((a, b) => a - b);
  return places.map((place, index) => bytes.subarray(places[index - 1] ?? 0, place));
}

function read(chunks: readonly Uint8Array[]) {
  const reader = createPictureText();
  for (const chunk of chunks) reader.push(chunk);
  return reader.end();
}

/** The same by `JSON.parse` and `Buffer.from`, with the whole text at hand. */
function expected(text: string) {
  const pictures: Buffer[] = [];
  const replaced = text.replace(/"(?:[^"\\]|\\.)*"/gs, (literal) => {
    const value: unknown = JSON.parse(literal);
    if (typeof value !== "string" || !/^[A-Za-z0-9+/]{256,}={0,2}$/.test(value)) return literal;
    pictures.push(Buffer.from(value, "base64"));
    return `"picture:${pictures.length - 1}"`;
  });
  return { json: JSON.parse(replaced) as unknown, pictures };
}

const bytes = fc.uint8Array({ minLength: 150, maxLength: 1_500 });
const base64 = bytes.map((value) => Buffer.from(value).toString("base64"));
/** What looks like a picture for long, or is one only just. */
const nearly = fc.oneof(
  fc
    .tuple(base64, fc.constantFrom("-", "_", " ", "=", "===", "é", "\\", '"', "\n", "/"))
    .map((parts) => parts.join("")),
  fc
    .tuple(base64, fc.constantFrom("-", "_", " ", "=", "\\", '"', "€"), base64)
    .map((parts) => parts.join("")),
  fc.integer({ min: -3, max: 3 }).map((more) => "Ab+/".repeat(100).slice(0, PICTURE_CHARACTERS_MIN + more)),
  fc.integer({ min: 1, max: 4 }).map((more) => `${"A".repeat(PICTURE_CHARACTERS_MIN + more)}=`),
);
const leaf = fc.oneof(
  { weight: 3, arbitrary: base64 },
  { weight: 2, arbitrary: nearly },
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.integer(),
  fc.constantFrom(null, true, "", "picture:0"),
);
const { json: anyJson } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { depthSize: "small" },
    leaf,
    fc.array(tie("json"), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.string({ maxLength: 8 }), nearly), tie("json"), { maxKeys: 4 }),
  ),
}));
/** Ways in which servers write the same string. */
const written = fc.constantFrom<(text: string) => string>(
  (text) => text,
  (text) => text.replaceAll("/", "\\/"),
  (text) => text.replaceAll("+", "\\u002b").replaceAll("=", "\\u003D"),
  (text) => text.replace(/[^\0-\x7f]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`),
);

describe("createPictureText", () => {
  it("gives what JSON.parse and Buffer.from would, however the text is written and cut", () => {
    fc.assert(
      fc.property(
        fc.array(anyJson, { minLength: 1, maxLength: 3 }),
        written,
        fc.constantFrom(undefined, 2),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }),
        (value, write, indent, cuts) => {
          const text = write(JSON.stringify(value, null, indent));
          const wanted = expected(text);
          const got = read(pieces(text, cuts));
          expect(JSON.parse(got.text)).toStrictEqual(wanted.json);
          expect(got.pictures.map((picture) => Buffer.from(picture).toString("hex"))).toStrictEqual(
            wanted.pictures.map((picture) => picture.toString("hex")),
          );
        },
      ),
      { numRuns: 400 },
    );
  });

  it("is the same byte by byte", () => {
    const picture = Buffer.from(Uint8Array.from({ length: 1_000 }, (_, at) => (at * 7) & 0xff));
    const text = JSON.stringify({ ké: [picture.toString("base64"), 1, "é"] }).replaceAll("/", "\\/");
    const chunks = Array.from(Buffer.from(text), (byte) => Uint8Array.of(byte));
    expect(read(chunks)).toStrictEqual({ text: '{"ké":["picture:0",1,"é"]}', pictures: [picture] });
  });

  it("leaves whatever is no JSON as it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), nearly, (one, other) => {
        const text = `${one.replaceAll("\ufffd", "")}"${other.replaceAll('"', "")}`;
        const clean = Buffer.from(text, "utf8").toString("utf8");
        expect(read(pieces(clean, [0.3, 0.9])).text.length).toBeGreaterThan(0);
      }),
    );
    const open = `{"a":"${"A".repeat(500)}`;
    expect(read(pieces(open, [0.5]))).toStrictEqual({ text: open, pictures: [] });
    expect(read([])).toStrictEqual({ text: "", pictures: [] });
  });
});
