/** @module Ways to spoil a call: addresses, queries, headers, bodies. Each is refused, or means nothing; none is a fault of ours. */

import { gzipSync } from "node:zlib";
import { BODY_BYTES_MAX } from "@atelier/api/body";
import type { Operation } from "./operations.ts";

/** In the place of a name: paths, other encodings of them, and what is no text. */
export const NAMES: readonly string[] = [
  "..%2f..%2f..%2fetc%2fpasswd",
  "%2e%2e%2f%2e%2e",
  "..%252f..%252fetc%252fpasswd",
  "..%5c..%5cwindows",
  "..\\..\\windows",
  "%2e%2e",
  "%00",
  "img_%00",
  "a%00b",
  "%ff%fe",
  "%c0%ae%c0%ae%2f",
  "%ed%a0%80",
  "%",
  "%zz",
  "%E2%80%AE%D7%90",
  "a%E2%80%8Bb",
  "%F0%9F%8D%90",
  "__proto__",
  "constructor",
  "toString",
  "%20",
  "-1",
  "1e999",
  "9".repeat(400),
  "a".repeat(8_000),
  "*",
  "{id}",
  ":id",
  "'%20OR%20'1'='1",
  "%24%7Bjndi%3Aldap%3A%2F%2Fx%7D",
  "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
  "a%0d%0aX-Injected:%20yes",
];

/** After the address. Most routes know none of these names; those that do get what they cannot take. */
export const QUERIES: readonly string[] = [
  "unknown=1",
  "limit=0",
  "limit=-1",
  "limit=1e3",
  "limit=99999999999999999999",
  "limit=NaN",
  "limit=1&limit=2",
  "limit[]=1",
  "limit%00=1",
  "cursor=%00",
  "cursor=..%2f..%2f",
  "cursor=e30",
  `cursor=${Buffer.from('{"query":"x","after":"y"}').toString("base64url")}`,
  `cursor=${"a".repeat(4_000)}`,
  "date=2026-02-31",
  "date=0000-00-00",
  "date=9999-12-31",
  "date=-271821-04-20",
  "since=99999999-01-01",
  "since=2026-11-22T99:00:00Z",
  "since=1e400",
  "subject=",
  "subject=%00",
  "subject=%F0%9F%8D%90",
  "__proto__[polluted]=1",
  "constructor=1",
  "text=%ed%a0%80",
  "text=%E2%80%AE",
  "dry_run=perhaps",
  "variations=51",
  "seed=0",
  "%",
  "%zz=%zz",
  "&&&===",
  "a=b=c&=d",
  `filler=${"x".repeat(6_000)}`,
];

/** Beside the call's own. */
export const HEADERS: readonly Readonly<Record<string, string>>[] = [
  { "If-Match": '"' },
  { "If-Match": `"${"0".repeat(7_000)}"` },
  { "If-Match": "\u00ff\u00fe" },
  { "If-None-Match": ",,,," },
  { "If-None-Match": `W/"${"x".repeat(4_000)}` },
  { "Idempotency-Key": "\u00e9" },
  { "Idempotency-Key": "x".repeat(7_000) },
  { "Last-Event-ID": "not an event" },
  { "Last-Event-ID": `${"9".repeat(300)}:img_x_00000` },
  // No route reads one of these, so that none can hide another.
  {
    Range: "bytes=0-18446744073709551615,0-1",
    Accept: "application/xml;q=-1, */*;q=NaN",
    "Accept-Encoding": "gzip;q=1e999",
    "X-HTTP-Method-Override": "DELETE",
    "X-Forwarded-Host": "elsewhere.test",
    "X-Forwarded-For": "127.0.0.1",
    Cookie: "session=1; __proto__=2",
  },
  { Expect: "100-continue" },
];

export const METHODS = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "PROPFIND",
  "LOCK",
  "TRACE",
] as const;

export interface SpoiledBody {
  readonly name: string;
  /** Default: JSON's. */
  readonly type?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  readonly status: readonly number[];
}

const MALFORMED = [400];

/** @param json a body that is good */
export function spoiledBodies(json: object): SpoiledBody[] {
  const good = JSON.stringify(json);
  const [field = "x"] = Object.keys(json);
  const inside = (text: string) => `${good.slice(0, -1)},${text}}`;
  const replaced = (value: string) => good.replace(/:("[^"]*"|[\d.]+|true|null)/, `:${value}`);
  const malformed = (name: string, body: string | Uint8Array): SpoiledBody => ({
    name,
    body,
    status: MALFORMED,
  });
  return [
    malformed("empty", ""),
    malformed("blank", "   "),
    malformed("cut off", good.slice(0, -1)),
    malformed("with something after it", `${good}{}`),
    malformed("with a comma too many", good.replace(/}$/, ",}")),
    malformed("with a comment", `/* */${good}`),
    malformed("in single quotes", good.replaceAll('"', "'")),
    malformed("a number", "17"),
    malformed("a string", JSON.stringify("x")),
    malformed("null", "null"),
    malformed("a list", `[${good}]`),
    malformed("NaN", replaced("NaN")),
    malformed("infinity", replaced("Infinity")),
    malformed("a number beyond all", replaced("1e400")),
    malformed("a huge number", replaced("1e308")),
    malformed("a number of many digits", replaced("9".repeat(400))),
    malformed("another type", replaced("[[]]")),
    malformed("a field twice", inside(`"${field}":1`)),
    malformed(
      "a field twice, escaped",
      inside(`"\\u00${field.charCodeAt(0).toString(16)}${field.slice(1)}":1`),
    ),
    malformed("an unknown field", inside('"unknown_field":1')),
    malformed("a prototype", inside('"__proto__":{"polluted":true}')),
    malformed("a constructor", inside('"constructor":{"prototype":{"polluted":true}}')),
    malformed("half a surrogate pair, escaped", inside('"x":"\\ud800"')),
    malformed(
      "half a surrogate pair, as bytes",
      Buffer.concat([
        Buffer.from(`${good.slice(0, -1)},"x":"`),
        Buffer.from([0xed, 0xa0, 0x80]),
        Buffer.from('"}'),
      ]),
    ),
    malformed("no UTF-8", Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(good)])),
    malformed("UTF-16", Buffer.from(good, "utf16le")),
    malformed("a NUL", `${good.slice(0, -1)}\u0000}`),
    malformed("written from right to left", inside('"\u202ex":"\u05d0"')),
    malformed("a field of no width", inside('"\u200b":1')),
    malformed("nested deeply", inside(`"x":${"[".repeat(5_000)}${"]".repeat(5_000)}`)),
    malformed("nested deeply in objects", inside(`"x":${'{"a":'.repeat(2_000)}1${"}".repeat(2_000)}`)),
    { name: "too large", body: inside(`"x":"${"x".repeat(BODY_BYTES_MAX)}"`), status: [413] },
    {
      name: "too large, in pieces",
      body: inside(`"x":"${"x".repeat(BODY_BYTES_MAX)}"`),
      headers: { "Transfer-Encoding": "chunked" },
      status: [413],
    },
    ...[
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "application/xml",
      "application/json; charset=utf-16",
      "application/jsonp",
      "*/*",
      "",
      null,
    ].map((type): SpoiledBody => ({ name: `as ${type}`, type, body: good, status: [415] })),
    { name: "compressed", body: gzipSync(good), headers: { "Content-Encoding": "gzip" }, status: [415] },
  ];
}

/** The addresses of an operation with another name in one of its places; none for one without places. */
export function renamedPaths({ path }: Operation, good: string): string[] {
  const places = path.split("/");
  const segments = good.split("?")[0]?.split("/") ?? [];
  return places.flatMap((place, index) =>
    place.startsWith("{") ? NAMES.map((name) => segments.with(index, name).join("/")) : [],
  );
}
