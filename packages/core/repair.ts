/**
 * @module Texts with the words of a vocabulary put back together, where they were held down, set apart or written with signs:
 * "m-e-nos de 1 8 añ os" becomes "menos de 18 anos". For patterns, which see words only as they are written.
 */
import { COMMON_WORDS } from "./common-words.ts";
import { lettersMeant, type NormalisedText } from "./normalise.ts";
import { appendedSqueezed, createStretchedWords, type StretchedWords } from "./stretched-words.ts";

export interface Repair {
  /** The readings of the text and what repairing makes of them; the same ones where nothing is to be repaired. */
  readingsOf(text: NormalisedText): readonly string[];
}

/** @param vocabulary normalised words, without blanks; everyday words are known anyway */
export function createRepair(vocabulary: Iterable<string>): Repair {
  const words = createStretchedWords<null>();
  for (const word of new Set([...vocabulary, ...COMMON_WORDS])) words.add(word, null);
  return {
    readingsOf(text) {
      const readings = new Set(text.readings);
      for (const sequence of text.sequences) {
        // "Men os" may be "menos" as well as two words.
        for (const keepsWords of [true, false]) readings.add(repaired(sequence, words, keepsWords));
      }
      for (const reading of [...readings]) readings.add(withDigitsTogether(reading));
      return [...readings];
    },
  };
}

/** The literal words in the sources of regular expressions, with each choice of `[ao]` and of an optional last `s?`. */
export function wordsOfPatterns(sources: readonly string[]): string[] {
  return sources.flatMap((source) =>
    [...source.replace(/\\[a-zA-Z]/g, " ").matchAll(/(?:(?:[a-z]|\[[a-z]+\])\??)+/g)].flatMap(([word]) => {
      let choices = [""];
      for (const [, letters = "", optional = ""] of word.matchAll(/(\[[a-z]+\]|[a-z])(\??)/g)) {
        const next = [...letters.replace(/\W/g, ""), ...(optional === "" ? [] : [""])];
        if (choices.length * next.length <= WORDS_OF_PATTERN_MAX) {
          choices = choices.flatMap((choice) => next.map((letter) => choice + letter));
        }
      }
      return choices.filter((choice) => choice.length > 1);
    }),
  );
}

const WORDS_OF_PATTERN_MAX = 32;

/**
 * The reading of a sequence that leaves the fewest pieces without a meaning: of all ways to take pieces together as words of
 * the vocabulary, the one with the least cost, from the end to the beginning.
 */
function repaired(given: readonly string[], words: StretchedWords<null>, keepsWords: boolean): string {
  const sequence = given.flatMap((word) => numberAndLetters(word, words, keepsWords));
  const best: { cost: number; word: string; next: number }[] = new Array(sequence.length + 1);
  best[sequence.length] = { cost: 0, word: "", next: sequence.length };
  for (let at = sequence.length - 1; at >= 0; at--) {
    const unread = { word: sequence[at] ?? "", next: at + 1, cost: UNREAD_COST };
    best[at] = [unread, ...wordsAt(sequence, at, words, keepsWords)]
      .map(({ word, next, cost }) => ({ word, next, cost: cost + (best[next]?.cost ?? 0) }))
      .reduce((one, other) => (other.cost < one.cost ? other : one));
  }
  const result: string[] = [];
  for (let at = 0; at < sequence.length; ) {
    const { word, next } = best[at] ?? { word: "", next: at + 1 };
    result.push(word);
    at = next;
  }
  return result.join(" ");
}

/** Words that are others with a letter held down, but mean themselves. */
const DOUBLED_WORDS: ReadonlySet<string> = new Set(
  "brass class glass grass mass pass less kiss miss loss boss ball call fall hall wall tall well bell sell tell will hill mill till full pull bull see free tree three bee knee too zoo inn off add egg odd all ill ass dress press cross".split(
    " ",
  ),
);
const UNREAD_COST = 10;
const WORD_COST = 1;

/** "16tth" in two, unless its digits are letters ("5chool"); "6e" in two where words are kept, else perhaps "be". */
function numberAndLetters(word: string, words: StretchedWords<null>, keepsWords: boolean): string[] {
  const [, digits, letters] = /^(\d+)(\p{L}.*)$/u.exec(word) ?? [];
  if (digits === undefined || letters === undefined) return [word];
  const isWord = (word.length > 3 || !keepsWords) && wordsAt([word], 0, words, false).length > 0;
  return isWord ? [word] : [digits, letters];
}

/** The words of the vocabulary that the pieces from `at` on can be, and where each ends. */
function wordsAt(
  sequence: readonly string[],
  at: number,
  words: StretchedWords<null>,
  keepsWords: boolean,
): { word: string; next: number; cost: number }[] {
  const found: { word: string; next: number; cost: number }[] = [];
  let ways = [{ letters: "", key: "" }];
  for (let end = at; end < sequence.length && ways.length > 0; end++) {
    const piece = sequence[end] ?? "";
    // A number stays a number: "5 ans" is not "sans". Alone, "493" may be "age", in one reading of two.
    if (/^\d+$/.test(piece) && (keepsWords || end > at || piece.length < 2)) break;
    const readings = lettersMeant(piece, true);
    ways = ways
      .flatMap((way) =>
        readings.map((reading) => ({
          letters: way.letters + reading,
          key: appendedSqueezed(way.key, reading),
        })),
      )
      .filter(({ key }) => words.mayBegin(key));
    for (const { letters, key } of ways) {
      for (const { word } of words.find(letters, key)) {
        // A short word with its last letter doubled may be another word ("brass").
        if (word.length >= 5 || COMMON_WORDS.has(word) || letters !== word + word.at(-1)) found.push({ word, next: end + 1, cost: WORD_COST + (keepsWords ? wordsLost(sequence.slice(at, end + 1), words) : 0) });
      }
    }
  }
  return found;
}

/** How many pieces are words of their own, where all are ("de la"). */
function wordsLost(pieces: readonly string[], words: StretchedWords<null>): number {
  const isWord = (piece: string) => wordsAt([piece], 0, words, false).length > 0;
  return pieces.length > 1 && pieces.every(isWord) ? pieces.length : 0;
}

/** "2 012" and "16 th" as they are meant. */
function withDigitsTogether(reading: string): string {
  return reading
    .replace(/(?<=(?<!\S)\d+) (?=\d+\p{L}{0,4}(?!\S))/gu, "")
    .replace(/(?<=(?<!\S)\d+) (?=(?:st|nd|rd|th)(?!\S))/g, "");
}
