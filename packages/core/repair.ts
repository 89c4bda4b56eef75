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
        const joined = repaired(sequence, words, JOINS_WORDS);
        readings.add(joined);
        if (joined !== sequence.join(" ")) readings.add(repaired(sequence, words, KEEPS_WORDS));
        // Where other words have signs for letters, short numbers may be words too ("70 8e").
        if (sequence.some((word) => (text.readings.length > 1 ? /^\d+$/ : /^\d{3,}$/).test(word)))
          readings.add(repaired(sequence, words, READS_NUMBERS));
      }
      for (const reading of [...readings]) {
        readings.add(withDigitsTogether(reading));
        readings.add(reading.replace(YEAR_IN_PIECES, (year) => year.replaceAll(" ", "")));
      }
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
function repaired(given: readonly string[], words: StretchedWords<null>, manner: Manner): string {
  const sequence = given.flatMap((word) => numberAndLetters(word, words, manner));
  const best: { cost: number; word: string; next: number }[] = new Array(sequence.length + 1);
  best[sequence.length] = { cost: 0, word: "", next: sequence.length };
  for (let at = sequence.length - 1; at >= 0; at--) {
    const unread = { word: sequence[at] ?? "", next: at + 1, cost: UNREAD_COST };
    best[at] = [unread, ...wordsAt(sequence, at, words, manner)]
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
/** How a text is repaired; what one manner hides, another shows. */
interface Manner {
  /** "De la" stays two words; else it may be one, as "men os" is. */
  readonly keepsWords: boolean;
  /** A number alone may be a word ("493": "age"); else a number stays a number. */
  readonly readsNumbers: boolean;
}
const KEEPS_WORDS: Manner = { keepsWords: true, readsNumbers: false };
const JOINS_WORDS: Manner = { keepsWords: false, readsNumbers: false };
const READS_NUMBERS: Manner = { keepsWords: false, readsNumbers: true };

const UNREAD_COST = 10;
const WORD_COST = 1;

/** "16tth" in two, unless its digits are letters ("5chool"); "6e" in two where words are kept, else perhaps "be". */
function numberAndLetters(word: string, words: StretchedWords<null>, manner: Manner): string[] {
  const [, digits, letters] = /^(\d+)(\p{L}.*)$/u.exec(word) ?? [];
  if (digits === undefined || letters === undefined) return [word];
  const isWord = (word.length > 3 || !manner.keepsWords) && wordsAt([word], 0, words, JOINS_WORDS).length > 0;
  const isOrdinalInPieces = /^[snrt]$/.test(letters);
  const isSplit = isOrdinalInPieces || wordsAt([letters], 0, words, JOINS_WORDS).length > 0;
  return isWord || !isSplit ? [word] : [digits, letters];
}

/** The words of the vocabulary that the pieces from `at` on can be, and where each ends. */
function wordsAt(
  sequence: readonly string[],
  at: number,
  words: StretchedWords<null>,
  manner: Manner,
): { word: string; next: number; cost: number }[] {
  const found: { word: string; next: number; cost: number }[] = [];
  let ways = [{ letters: "", key: "" }];
  for (let end = at; end < sequence.length && ways.length > 0; end++) {
    const piece = sequence[end] ?? "";
    // "5 ans" is never "sans", and a number that may be an age stays one.
    const mayBeLetters = manner.readsNumbers && (end > at ? piece.length === 1 : Number(piece) >= 20);
    if (/^\d+$/.test(piece) && !mayBeLetters) break;
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
        if (letters !== word && DOUBLED_WORDS.has(letters) && !COMMON_WORDS.has(word)) continue;
        const lost = manner.keepsWords ? wordsLost(sequence.slice(at, end + 1), words) : 0;
        found.push({ word, next: end + 1, cost: WORD_COST + lost });
      }
    }
  }
  return found;
}

/** How many pieces are words of their own, where all are ("de la"). */
function wordsLost(pieces: readonly string[], words: StretchedWords<null>): number {
  const isWord = (piece: string) => wordsAt([piece], 0, words, JOINS_WORDS).length > 0;
  return pieces.length > 1 && pieces.every(isWord) ? pieces.length : 0;
}

const YEAR_IN_PIECES = /(?<!\S)2(?: ?\d){3}(?!\S)/g;

/** "2 012" and "16 th" as they are meant. */
function withDigitsTogether(reading: string): string {
  return reading
    .replace(/(?<=(?<!\S)\d+) (?=\d+\p{L}{0,4}(?!\S))/gu, "")
    .replace(/(?<=(?<!\S)\d+) (?=(?:st|nd|rd|th)(?!\S))/g, "");
}
