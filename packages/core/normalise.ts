/**
 * @module Text brought to a form in which spelling tricks no longer differ, for matching only: nothing that is sent or
 * stored goes through here. One text has several readings, because a digit may be a digit or stand for a letter.
 */
import { unified } from "./fold.ts";
import { withoutPromptSyntax } from "./prompt-syntax.ts";

export interface NormalisedText {
  /** Lower-case words and numbers with single blanks between, digits left as digits. */
  readonly plain: string;
  /** `plain` first, then each other way of reading the text that differs from it. For patterns. */
  readonly readings: readonly string[];
  /**
   * The words of `plain`; where signs stand for letters ("ch!ld"), the same text with the signs as part of the words; where
   * letters are set apart ("w.o.r.d"), with each such run as a word.
   * For words, which may be found in one of them or in neighbours put together.
   */
  readonly sequences: readonly (readonly string[])[];
  /** Words with letters starred out ("ch*ld"). */
  readonly starred: readonly string[];
}

export function normalised(text: string): NormalisedText {
  const characters = charactersOf(text);
  const plain = wordsOf(characters);
  const plainWords = plain === "" ? [] : plain.split(" ");
  const signedWords = SIGNS.test(characters) ? signedWordsOf(characters) : plainWords;
  const readings = new Set([plain]);
  if (signedWords.some(isWordLike)) {
    for (const choice of [0, 1]) {
      readings.add(
        wordsOf(signedWords.map((word) => (isWordLike(word) ? unleeted(word, choice) : word)).join(" ")),
      );
    }
  }
  for (const reading of [...readings]) {
    // "chiiild": three or more of a letter are never spelling; both a single and a double letter may be meant.
    if (/(\p{L})\1\1/u.test(reading)) {
      readings.add(reading.replace(/(\p{L})\1{2,}/gu, "$1$1"));
      readings.add(reading.replace(/(\p{L})\1{2,}/gu, "$1"));
    }
  }
  return {
    plain,
    readings: [...readings],
    sequences: sequencesOf(characters, plainWords, signedWords),
    starred: characters.match(STARRED) ?? [],
  };
}

function sequencesOf(
  characters: string,
  plainWords: readonly string[],
  signedWords: readonly string[],
): (readonly string[])[] {
  const sequences = [plainWords];
  if (signedWords.join(" ") !== plainWords.join(" ")) sequences.push(signedWords);
  const together = characters.replace(SET_APART, (run, sign: string) =>
    // Digits alone are left to be numbers ("f/2.8").
    /\p{L}.*\p{L}/su.test(run) ? run.replaceAll(sign, "") : run,
  );
  if (together !== characters) sequences.push(wordsOf(together).split(" "));
  return sequences;
}

/** Single characters with the same sign between each: "w.o.r.d" is one word, whatever stands around it. */
const SET_APART =
  /(?<![\p{L}\p{N}])[\p{L}\p{N}]([^\p{L}\p{N}])[\p{L}\p{N}](?:\1[\p{L}\p{N}])*(?!\1?[\p{L}\p{N}])/gu;

/** `normalised(text).plain` without the work for the other readings. */
export function plainOf(text: string): string {
  return wordsOf(charactersOf(text));
}

/**
 * What a word with digits or signs in it may spell ("ch1ld": "child", "chlld"), at most 64 ways and the word as it is
 * written; only that where it has none of them.
 *
 * @param isPiece whether it may be a piece of a word, so that "1" alone is a letter too
 */
export function lettersMeant(word: string, isPiece = false): readonly string[] {
  if (!ANY_SIGN.test(word) || !(isPiece || /\p{L}/u.test(word))) return [word];
  let ways = [""];
  for (const character of word) {
    const letters = LETTERS_FOR[character] ?? character;
    ways =
      ways.length * letters.length > WAYS_MAX
        ? ways.map((way) => way + letters.charAt(0))
        : [...letters].flatMap((letter) => ways.map((way) => way + letter));
  }
  // A sign at the end may be a letter ("ni$") or punctuation ("wow!").
  const body = word.replace(ENDING_SIGNS, "");
  return body === word || body === "" ? [word, ...ways] : [word, ...ways, ...lettersMeant(body, isPiece)];
}

const WAYS_MAX = 64;
const ENDING_SIGNS = /[!|+$€£¡]+$/;

/** Case folded, instructions of prompt languages taken out, ages without their decimals. */
function charactersOf(text: string): string {
  return withoutPromptSyntax(unified(text))
    .toLowerCase()
    .replace(
      /(\d)[.,]\d+(?=[\s-]*(?:years?|yrs?|yo|y\/o|y\.o|ans|anos|anni|jahre?|jahrig\w*)(?!\p{L}))/gu,
      "$1",
    )
    .replace(/(?<![\p{L}\p{N}])(?:(\d{1,2})\+|(1\d|[3-9])7)h(?![\p{L}\p{N}])/gu, "$1$2th");
}

function wordsOf(characters: string): string {
  return characters.replace(/[^\p{L}\p{N}]+/gu, " ").trim();
}

/** Digits and signs that people write for letters; the likeliest letter first. */
const LETTERS_FOR: Readonly<Record<string, string>> = {
  "0": "o",
  "1": "il",
  "2": "z",
  "3": "e",
  "4": "a",
  "5": "s",
  "6": "gb",
  "7": "t",
  "8": "b",
  "9": "gq",
  "@": "a",
  $: "s",
  "!": "il",
  "|": "il",
  "€": "e",
  "+": "t",
  "£": "l",
  "¢": "c",
  "§": "s",
  "¡": "i",
};
const SIGNS = /[@$!|€+£¢§¡]/;
const ANY_SIGN = /[\d@$!|€+£¢§¡]/;
const STARRED = /(?<![\p{L}\d*])\p{L}+\*+\p{L}+(?![\p{L}\d*])/gu;

function signedWordsOf(characters: string): string[] {
  return characters.split(/[^\p{L}\p{N}@$!|€+£¢§¡]+/u).filter((word) => word !== "");
}

/** Letters with digits or signs among them, but not a number with its unit ("85mm", "f2", "17th") nor a mere "wow!". */
function isWordLike(word: string): boolean {
  const body = word.replace(ENDING_SIGNS, "");
  return ANY_SIGN.test(body) && /\p{L}/u.test(body) && !/^(?:\d+\p{L}{1,4}|\p{L}\d+)$/u.test(body);
}

function unleeted(word: string, choice: number): string {
  return [...word]
    .map((character) => {
      const letters = LETTERS_FOR[character];
      return letters === undefined ? character : letters.charAt(Math.min(choice, letters.length - 1));
    })
    .join("");
}
