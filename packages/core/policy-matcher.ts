/**
 * @module Which concepts of a policy a text meets. Words are found whole, held down ("chiild"), with signs for letters
 * ("ch!ld"), set apart ("c h i l d", "chi ld") or starred out ("ch*ld"). Compiled once per policy.
 */
import { AGE_VOCABULARY } from "./age-below-adult.ts";
import type { Policy } from "./catalogue.ts";
import { COMMON_WORDS } from "./common-words.ts";
import { lettersMeant, type NormalisedText, normalised } from "./normalise.ts";
import { termsOf } from "./policy-terms.ts";
import { createRepair, wordsOfPatterns } from "./repair.ts";
import { appendedSqueezed, createStretchedWords, type StretchedWords } from "./stretched-words.ts";

export interface Met {
  /** Names of concepts. */
  readonly certain: ReadonlySet<string>;
  /** Short words in pieces: chance in most texts ("min or"), refused in rated ones. */
  readonly doubtful: ReadonlySet<string>;
  /** What patterns were looked for in: the readings of the text, repaired as well. */
  readonly readings: readonly string[];
}

/** A text, brought to the form in which it is matched, and what was met in it. */
export interface ReadText {
  readonly normalised: NormalisedText;
  readonly met: Met;
}

export interface PolicyMatcher {
  reads(text: string): ReadText;
}

/**
 * A template's negative prompt is the same for each of its pictures, and a prompt is judged when it is asked for, planned and
 * validated: the newest texts are read once.
 */
const TEXTS_REMEMBERED = 100;

/** Compiling takes tens of milliseconds: a batch of 50 prompts should not build the same tables 50 times. */
const compiled = new WeakMap<Policy["concepts"], PolicyMatcher>();
/** The same words, read from the file again. */
let newest: { readonly concepts: string; readonly matcher: PolicyMatcher } | undefined;

export function matcherOf({ concepts }: Pick<Policy, "concepts">): PolicyMatcher {
  const known = compiled.get(concepts);
  if (known !== undefined) return known;
  const written = JSON.stringify(concepts);
  if (newest?.concepts !== written) newest = { concepts: written, matcher: compile(concepts) };
  compiled.set(concepts, newest.matcher);
  return newest.matcher;
}

interface Entry {
  readonly concept: string;
  readonly spaced: string;
  /** `beginning`: a longer word is met as well. `innocent`: what is met inside the phrase does not count. */
  readonly kind: "whole" | "beginning" | "innocent";
}

interface Pattern {
  readonly concept: string;
  readonly expression: RegExp;
  readonly innocent: RegExp | undefined;
}

function compile(concepts: Policy["concepts"]): PolicyMatcher {
  const entries = Object.entries(concepts).flatMap(([concept, { words, except }]): Entry[] => [
    ...words
      .flatMap(termsOf)
      .map(
        ({ spaced, isBeginning }) =>
          ({ concept, spaced, kind: isBeginning ? "beginning" : "whole" }) as const,
      ),
    ...except.flatMap(termsOf).map(({ spaced }) => ({ concept, spaced, kind: "innocent" }) as const),
  ]);
  const terms = createStretchedWords<Entry>();
  for (const entry of entries) terms.add(entry.spaced.replaceAll(" ", ""), entry);
  const singleWords = entries.filter(({ spaced, kind }) => kind !== "innocent" && !spaced.includes(" "));
  const patterns = patternsOf(concepts);
  const sources = Object.values(concepts).flatMap((concept) => concept.patterns);
  const repair = createRepair([...AGE_VOCABULARY, ...wordsOfPatterns(sources)]);
  const remembered = new Map<string, ReadText>();
  return {
    reads(text) {
      const known = remembered.get(text);
      if (known !== undefined) return known;
      const words = normalised(text);
      const read = { normalised: words, met: metIn(words) };
      const [oldest] = remembered.keys();
      if (oldest !== undefined && remembered.size >= TEXTS_REMEMBERED) remembered.delete(oldest);
      remembered.set(text, read);
      return read;
    },
  };

  function metIn(text: NormalisedText): Met {
    const certain = new Set<string>();
    const doubtful = new Set<string>();
    for (const words of text.sequences) {
      for (const { concept, isCertain } of foundIn(words, terms))
        (isCertain ? certain : doubtful).add(concept);
    }
    for (const word of text.starred) {
      for (const { concept } of starredOut(word, singleWords)) certain.add(concept);
    }
    const readings = repair.readingsOf(text);
    for (const { concept, expression, innocent } of patterns) {
      if (certain.has(concept)) continue;
      const isMet = (reading: string) =>
        expression.test(reading) && (!innocent || expression.test(reading.replace(innocent, " . ")));
      if (readings.some(isMet)) certain.add(concept);
    }
    return { certain, doubtful, readings };
  }
}

function patternsOf(concepts: Policy["concepts"]): Pattern[] {
  return Object.entries(concepts)
    .filter(([, { patterns }]) => patterns.length > 0)
    .map(([concept, { patterns, except }]) => {
      const phrases = except.flatMap(termsOf).map(({ spaced }) => spaced);
      return {
        concept,
        expression: new RegExp(patterns.map((source) => `(?:${source})`).join("|"), "u"),
        innocent:
          phrases.length === 0 ? undefined : new RegExp(`(?<!\\S)(?:${phrases.join("|")})(?!\\S)`, "gu"),
      };
    });
}

/** A term in a sequence of words; both ends are included. */
interface Found {
  readonly from: number;
  readonly to: number;
  readonly concept: string;
  readonly isCertain: boolean;
}

function foundIn(words: readonly string[], terms: StretchedWords<Entry>): Found[] {
  const found: Found[] = [];
  const innocent: Omit<Found, "isCertain">[] = [];
  for (let from = 0; from < words.length; from++) {
    let ways: readonly Way[] = [START];
    let spaced = "";
    for (let to = from; to < words.length && ways.length > 0; to++) {
      const word = words[to] ?? "";
      spaced = to === from ? word : `${spaced} ${word}`;
      ways = longer(ways, word).flatMap((way) => {
        for (const { term, entry } of to > from && isMostlyNumbers(words.slice(from, to + 1))
          ? []
          : termsAt(way, terms)) {
          const { concept } = entry;
          if (entry.kind === "innocent") {
            if (spaced === entry.spaced) innocent.push({ from, to, concept });
            continue;
          }
          const isCertain =
            from === to
              ? isSureWord(way.letters, term)
              : isSureInPieces(words.slice(from, to + 1), term, entry);
          if (isCertain || term.length > 2) found.push({ from, to, concept, isCertain });
        }
        return terms.mayBegin(way.key) ? [way] : [];
      });
    }
  }
  return found.filter(
    ({ from, to, concept }) =>
      !innocent.some((phrase) => phrase.from <= from && to <= phrase.to && phrase.concept === concept),
  );
}

/** "100 1 15 s" is no word, "5 3 x" may be one. */
function isMostlyNumbers(pieces: readonly string[]): boolean {
  const numbers = pieces.filter((piece) => /^\d+$/.test(piece)).length;
  return numbers > 2 * (pieces.length - numbers);
}

/** One way to read some words put together, its squeezed form, and how much of that was there before the last word. */
interface Way {
  readonly letters: string;
  readonly key: string;
  readonly before: number;
}

const START: Way = { letters: "", key: "", before: 0 };

function longer(ways: readonly Way[], word: string): Way[] {
  const readings = lettersMeant(word, true);
  return ways.flatMap((way) =>
    readings.map((reading) => ({
      letters: way.letters + reading,
      key: appendedSqueezed(way.key, reading),
      before: way.key.length,
    })),
  );
}

/** The terms that a way spells, and the beginnings that its last word completes. */
function termsAt(way: Way, terms: StretchedWords<Entry>): { term: string; entry: Entry }[] {
  const whole = terms.find(way.letters, way.key).map(({ word, value }) => ({ term: word, entry: value }));
  for (let length = way.before + 1; length < way.key.length; length++) {
    const key = way.key.slice(0, length);
    if (!terms.mayBegin(key)) break;
    for (const { word, value } of terms.withKey(key)) {
      if (value.kind === "beginning") whole.push({ term: word, entry: value });
    }
  }
  return whole;
}

/** A short word with one letter doubled may be another word ("brass"). */
function isSureWord(letters: string, term: string): boolean {
  return letters === term || term.length >= 5 || (term.length === 4 && letters.length > 5);
}

/** "sch ool" and "s e x" are no chance; "min or" may be. */
function isSureInPieces(pieces: readonly string[], term: string, entry: Entry): boolean {
  if (pieces.join(" ") === entry.spaced) return true;
  if (pieces.length > 2 && pieces.every((piece) => piece.length === 1)) return true;
  if (term.length < 5) return false;
  // As many words as the phrase has: some of them held down or with signs.
  return (
    pieces.length === entry.spaced.split(" ").length || !pieces.every((piece) => COMMON_WORDS.has(piece))
  );
}

function starredOut(word: string, entries: readonly Entry[]): Entry[] {
  if (word.length < 4 || word.replaceAll("*", "").length < 2) return [];
  const expression = new RegExp(`^${word.replaceAll("*", ".")}$`, "u");
  return entries.filter(({ spaced }) => spaced.length === word.length && expression.test(spaced));
}
