/** @module Characters written as codes: HTML entities, escapes of programming languages, percent signs, invisible tags. */

/**
 * The text with such codes resolved, also where they are nested ("&amp;#99;"). A code that names no character stays.
 * Tag characters (U+E0020 and on) are invisible copies of ASCII that a text encoder may still read.
 */
export function withoutEscapes(text: string): string {
  let resolved = text;
  // Three layers: a text that was escaped by two tools on its way, and one for good measure.
  for (let layer = 0; layer < 3 && MAY_BE_ESCAPED.test(resolved); layer++) {
    const next = resolved
      .replace(/&#x([0-9a-f]{1,6});?/gi, (code, hex: string) => character(Number.parseInt(hex, 16)) ?? code)
      .replace(/&#(\d{1,7});?/g, (code, digits: string) => character(Number(digits)) ?? code)
      .replace(/&([a-z]{2,8}\d?);/gi, (code, name: string) => namedEntity(name) ?? code)
      .replace(
        /\\u\{?([0-9a-f]{4,6})\}?/gi,
        (code, hex: string) => character(Number.parseInt(hex, 16)) ?? code,
      )
      .replace(/\\x([0-9a-f]{2})/gi, (code, hex: string) => character(Number.parseInt(hex, 16)) ?? code)
      // One alone is a percentage; two in a row are an encoding.
      .replace(/(?:%[2-7][0-9a-f]){2,}/gi, (codes) =>
        codes.replace(/%(..)/g, (code, hex: string) => character(Number.parseInt(hex, 16)) ?? code),
      );
    if (next === resolved) break;
    resolved = next;
  }
  return resolved.replace(/[\u{e0020}-\u{e007e}]/gu, (tag) =>
    String.fromCodePoint((tag.codePointAt(0) ?? 0) - 0xe0000),
  );
}

const MAY_BE_ESCAPED = /[&\\%]/;

function character(codePoint: number): string | undefined {
  const isScalar = codePoint <= 0x10ffff && (codePoint < 0xd800 || codePoint > 0xdfff);
  return isScalar ? String.fromCodePoint(codePoint) : undefined;
}

/** A letter with a mark is read as the letter ("eacute"), since matching drops marks anyway. */
function namedEntity(name: string): string | undefined {
  const marked =
    /^([a-z])(?:acute|grave|circ|uml|tilde|cedil|ring|slash|caron|macr|breve|dot|ogon|scr|fr|opf)$/i.exec(
      name,
    )?.[1];
  return marked ?? ENTITIES.get(name.toLowerCase());
}

const ENTITIES: ReadonlyMap<string, string> = new Map(
  [
    ["amp &", "lt <", "gt >", 'quot "', "apos '", "szlig ss", "aelig ae", "oelig oe", "thorn p", "eth d"],
    [
      "period .",
      "comma ,",
      "colon :",
      "semi ;",
      "excl !",
      "quest ?",
      "num #",
      "dollar $",
      "percnt %",
      "ast *",
    ],
    ["lpar (", "rpar )", "lsqb [", "rsqb ]", "lcub {", "rcub }", "lowbar _", "hyphen -", "dash -", "plus +"],
    ["commat @", "vert |", "sol /", "bsol \\", "middot ·", "bull •", "hellip …", "ndash –", "mdash —"],
    ["inodot i", "imath i", "jmath j", "ell l", "frac12 ½"],
  ]
    .flat()
    .map((entry): [string, string] => [
      entry.slice(0, entry.indexOf(" ")),
      entry.slice(entry.indexOf(" ") + 1),
    ])
    .concat(
      ["nbsp", "ensp", "emsp", "thinsp", "tab", "newline"].map((name) => [name, " "]),
      ["zwj", "zwnj", "shy", "lrm", "rlm", "nobreak"].map((name) => [name, ""]),
    ),
);
