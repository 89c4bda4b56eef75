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
  /** Neighbouring fragments put together ("chi ld"), each pair as one word. */
  readonly joined: readonly string[];
}

/** NFKC, lower case, without marks and invisible characters; look-alike letters as Latin ones; any digit as 0-9. */
export function normalised(text: string): NormalisedText {
  const folded = fold(text);
  const plain = wordsOf(folded);
  const lettersForDigits = [LEET, { ...LEET, "1": "l", "!": "l", "|": "l" }].map((leet) =>
    wordsOf(folded.replace(MIXED_TOKEN, (token) => unleeted(token, leet))),
  );
  const readings = new Set([plain, ...lettersForDigits]);
  // "chiiild": three or more of a letter are never spelling; both a single and a double letter may be meant.
  for (const reading of [...readings]) {
    if (!/(\p{L})\1\1/u.test(reading)) continue;
    readings.add(reading.replace(/(\p{L})\1{2,}/gu, "$1$1"));
    readings.add(reading.replace(/(\p{L})\1{2,}/gu, "$1"));
  }
  const tokens = [...readings].map((reading) => reading.split(" "));
  return {
    plain,
    readings: [...readings],
    words: new Set(tokens.flat()),
    spelled: [...new Set(tokens.flatMap(spelledRuns))],
    joined: [...new Set(tokens.flatMap((words) => words.slice(1).map((word, at) => `${words[at]}${word}`)))],
  };
}

function fold(text: string): string {
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
  const runs: string[] = [];
  let run = "";
  for (const token of [...tokens, ""]) {
    if ([...token].length === 1) {
      run += token;
      continue;
    }
    if (run.length >= 3) runs.push(run, [...run].map((character) => LEET[character] ?? character).join(""));
    run = "";
  }
  return runs;
}

/**
 * Letters that look like Latin ones and that NFKC keeps apart: Cyrillic, Greek, small capitals, Latin letters with a
 * stroke, squared letters and regional indicators. A small choice in the spirit of Unicode UTS #39, section 4.
 */
const LOOK_ALIKES: ReadonlyMap<string, string> = new Map([
  ...pairs("аa вb гr еe зz иi іi јj кk мm нh оo пn рp сc тt уy хx ѕs һh ԁd ԛq ԝw үy ӏl"),
  ...pairs("αa βb γy εe ηn ιi κk λl μm νv οo πn ρp σs τt υu χx ωw"),
  ...pairs("ᴀa ʙb ᴄc ᴅd ᴇe ꜰf ɢg ʜh ɪi ᴊj ᴋk ʟl ᴍm ɴn ᴏo ᴘp ʀr ꜱs ᴛt ᴜu ᴠv ᴡw ʏy ᴢz"),
  ...pairs("ıi ȷj łl øo đd ðd ħh ŧt ɑa ɡg ɩi ʋv ßss æae œoe"),
  ...["🇦", "🅐", "🄰", "🅰"].flatMap(alphabetFrom),
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
