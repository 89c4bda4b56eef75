/**
 * @module Text brought to a form in which spelling tricks no longer differ, for matching only: nothing that is sent or
 * stored goes through here. One text has several readings, because a digit may be a digit or stand for a letter.
 */

export interface NormalisedText {
  /** Lower-case words and numbers with single blanks between, digits left as digits. */
  readonly plain: string;
  /** `plain` first, then each other way of reading the text that differs from it. */
  readonly readings: readonly string[];
  /** Every word of every reading. */
  readonly words: ReadonlySet<string>;
  /** Letters that stood one by one ("c h i l d", "c.h.i.l.d"), joined; a word may stand anywhere inside. */
  readonly spelled: readonly string[];
  /** Two to four neighbouring fragments put together ("chi ld", "c h i ld"), each group as one word. */
  readonly joined: readonly string[];
}

/** NFKC, lower case, without marks and invisible characters; look-alike letters as Latin ones; any digit as 0-9. */
export function normalised(text: string): NormalisedText {
  const characters = folded(text);
  const plain = wordsOf(characters);
  const lettersForDigits = [LEET, { ...LEET, "1": "l", "!": "l", "|": "l" }].map((leet) =>
    wordsOf(characters.replace(MIXED_TOKEN, (token) => unleeted(token, leet))),
  );
  const readings = new Set([plain, ...lettersForDigits]);
  // "chiiild": three or more of a letter are never spelling; both a single and a double letter may be meant.
  for (const reading of [...readings]) {
    if (!/(\p{L})\1\1/u.test(reading)) continue;
    readings.add(reading.replace(/(\p{L})\1{2,}/gu, "$1$1"));
    readings.add(reading.replace(/(\p{L})\1{2,}/gu, "$1"));
  }
  for (const reading of [...readings]) {
    for (const together of withRunsJoined(reading)) readings.add(together);
  }
  const tokens = [...readings].map((reading) => reading.split(" "));
  return {
    plain,
    readings: [...readings],
    words: new Set(tokens.flat()),
    spelled: [...new Set(tokens.flatMap(spelledRuns))],
    joined: [...new Set(tokens.flatMap(neighboursJoined))],
  };
}

/** `normalised(text).plain` without the work for the other readings. */
export function plainOf(text: string): string {
  return wordsOf(folded(text));
}

/** The first half of `normalised`: characters folded, punctuation and blanks left where they are. */
export function folded(text: string): string {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .normalize("NFD")
    .replace(/[\p{M}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, "")
    .replace(/\p{Nd}/gu, asciiDigit)
    .replace(/[^\p{ASCII}]/gu, (character) => LOOK_ALIKES.get(character) ?? character);
}

/** Every block of decimal digits is ten characters in order, so the distance to its first one is the digit's value. */
function asciiDigit(digit: string): string {
  const codePoint = digit.codePointAt(0) ?? 0;
  let zero = codePoint;
  while (codePoint - zero < 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--;
  return String(codePoint - zero);
}

function wordsOf(folded: string): string {
  return folded.replace(/[^\p{L}\p{N}]+/gu, " ").trim();
}

/** Something with a letter in it and a digit or sign that people write for letters. */
const MIXED_TOKEN = /[\p{L}\d@$!|€+]+/gu;
const LEET: Readonly<Record<string, string>> = {
  "0": "o",
  "1": "i",
  "3": "e",
  "4": "a",
  "5": "s",
  "7": "t",
  "8": "b",
  "9": "g",
  "@": "a",
  $: "s",
  "!": "i",
  "|": "i",
  "€": "e",
  "+": "t",
};

function unleeted(token: string, leet: Readonly<Record<string, string>>): string {
  if (!/\p{L}/u.test(token)) return token;
  // A sign at the end is punctuation ("wow!"), not a letter.
  const ending = /[!|+]*$/.exec(token)?.[0] ?? "";
  const body = token.slice(0, token.length - ending.length);
  return [...body].map((character) => leet[character] ?? character).join("") + ending;
}

/** Runs of at least three single letters or digits, as one word each. */
function spelledRuns(tokens: readonly string[]): string[] {
  return [...tokens.join(" ").matchAll(SINGLE_CHARACTERS)].flatMap(([match]) => {
    const run = match.replaceAll(" ", "");
    return [run, lettersOf(run)];
  });
}

/**
 * A reading with its spelled runs as words ("s e a side" becomes "sea side"), so that short words and phrases of several
 * words are found too. An "a" or "i" before a run may be a word of its own.
 */
function withRunsJoined(reading: string): string[] {
  return [SINGLE_CHARACTERS, SINGLE_CHARACTERS_AFTER_A].flatMap((runs) => [
    reading.replace(runs, (run) => run.replaceAll(" ", "")),
    reading.replace(runs, (run) => lettersOf(run.replaceAll(" ", ""))),
  ]);
}

const SINGLE_CHARACTERS = /(?<![\p{L}\p{N}])[\p{L}\p{N}](?: [\p{L}\p{N}]){2,}(?![\p{L}\p{N}])/gu;
const SINGLE_CHARACTERS_AFTER_A = new RegExp(
  `(?<=(?<![\\p{L}\\p{N}])[ai] )${SINGLE_CHARACTERS.source}`,
  "gu",
);

function lettersOf(run: string): string {
  return [...run].map((character) => LEET[character] ?? character).join("");
}

function neighboursJoined(words: readonly string[]): string[] {
  return words.flatMap((_, at) =>
    [2, 3, 4]
      .filter((count) => at + count <= words.length)
      .map((count) => words.slice(at, at + count).join("")),
  );
}

/**
 * Letters that look like Latin ones and that NFKC keeps apart: Cyrillic, Greek, small capitals, Latin letters with a
 * stroke, squared letters, regional indicators and circled numbers. A small choice in the spirit of Unicode UTS #39,
 * section 4.
 */
const LOOK_ALIKES: ReadonlyMap<string, string> = new Map([
  ...pairs("аa вb гr еe зz иi іi јj кk мm нh оo пn рp сc тt уy хx ѕs һh ԁd ԛq ԝw үy ӏl"),
  ...pairs("αa βb γy εe ηn ιi κk λl μm νv οo πn ρp σs τt υu χx ωw"),
  ...pairs("ᴀa ʙb ᴄc ᴅd ᴇe ꜰf ɢg ʜh ɪi ᴊj ᴋk ʟl ᴍm ɴn ᴏo ᴘp ʀr ꜱs ᴛt ᴜu ᴠv ᴡw ʏy ᴢz"),
  ...pairs("ıi ȷj łl øo đd ðd ħh ŧt ɑa ɡg ɩi ʋv ßss æae œoe"),
  ...["🇦", "🅐", "🄰", "🅰"].flatMap(alphabetFrom),
  ...[numbersFrom("❶", 1, 10), numbersFrom("➀", 1, 10), numbersFrom("➊", 1, 10)].flat(),
  ...[numbersFrom("⓫", 11, 20), numbersFrom("⓵", 1, 10)].flat(),
]);

/** "аa вb": each character is followed by what it stands for. */
function pairs(text: string): [string, string][] {
  return text.split(" ").map((pair) => [pair.charAt(0), pair.slice(1)]);
}

/** 26 characters in alphabetical order from the given one. */
function alphabetFrom(first: string): [string, string][] {
  const start = first.codePointAt(0) ?? 0;
  return Array.from({ length: 26 }, (_, letter) => [
    String.fromCodePoint(start + letter),
    String.fromCharCode("a".charCodeAt(0) + letter),
  ]);
}

/** Characters in a row that stand for the numbers in a row. */
function numbersFrom(first: string, from: number, to: number): [string, string][] {
  const start = first.codePointAt(0) ?? 0;
  return Array.from({ length: to - from + 1 }, (_, at) => [
    String.fromCodePoint(start + at),
    String(from + at),
  ]);
}
