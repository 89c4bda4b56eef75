/**
 * @module Which concepts of a policy a text meets. Words are found whole, held down ("chiild"), with signs for letters
 * ("ch!ld"), set apart ("c h i l d", "chi ld") or starred out ("ch*ld"). Compiled once per policy.
 */
import type { Policy } from "./catalogue.ts";
import { COMMON_WORDS } from "./common-words.ts";
import { lettersMeant, type NormalisedText } from "./normalise.ts";
import { type Term, termsOf } from "./policy-terms.ts";
import { createStretchedWords, type StretchedWords } from "./stretched-words.ts";

/** Names of concepts. A doubt is a short word that stands in pieces: chance in most texts, refused in rated ones. */
export interface Met {
  readonly certain: ReadonlySet<string>;
  readonly doubtful: ReadonlySet<string>;
}

export interface PolicyMatcher {
  meets(text: NormalisedText): Met;
}

/** Compiling takes tens of milliseconds: a batch of 50 prompts should not build the same tables 50 times. */
const compiled = new WeakMap<Policy["concepts"], PolicyMatcher>();

export function matcherOf(policy: Pick<Policy, "concepts">): PolicyMatcher {
  let matcher = compiled.get(policy.concepts);
  if (matcher === undefined) {
    matcher = compile(policy.concepts);
    compiled.set(policy.concepts, matcher);
  }
  return matcher;
}

interface Entry {
  readonly concept: string;
  readonly spaced: string;
}

/** A place in a sequence of words, both ends included. */
interface Span {
  readonly from: number;
  readonly to: number;
}

interface Affixes {
  readonly concepts: Map<string, Set<string>>;
  readonly lengths: Set<number>;
}

interface Tables {
  readonly whole: StretchedWords<Entry>;
  readonly except: ReadonlyMap<string, ReadonlySet<string>>;
  readonly beginnings: Affixes;
  readonly endings: Affixes;
  readonly insides: readonly (readonly [string, string])[];
  readonly patterns: readonly { concept: string; expression: RegExp; except: RegExp | undefined }[];
  /** By length, for words with letters starred out. */
  readonly singleWords: ReadonlyMap<number, readonly Entry[]>;
  readonly lettersMax: number;
}

function compile(concepts: Policy["concepts"]): PolicyMatcher {
  const tables = tablesOf(concepts);
  return {
    meets(text) {
      const certain = new Set<string>();
      const doubtful = new Set<string>();
      for (const words of text.sequences) meetsWords(words, tables, certain, doubtful);
      for (const run of text.spelled) meetsAffixes(run, tables, (concept) => certain.add(concept));
      for (const word of text.starred) meetsStarred(word, tables, certain);
      for (const { concept, expression, except } of tables.patterns) {
        if (certain.has(concept)) continue;
        const isMet = text.readings.some((reading) =>
          expression.test(except ? reading.replace(except, " . ") : reading),
        );
        if (isMet) certain.add(concept);
      }
      return { certain, doubtful };
    },
  };
}

function meetsWords(
  words: readonly string[],
  tables: Tables,
  certain: Set<string>,
  doubtful: Set<string>,
): void {
  const innocent: (Span & { concepts: ReadonlySet<string> })[] = [];
  const found: (Span & { concept: string; isCertain: boolean })[] = [];
  for (let from = 0; from < words.length; from++) {
    let together = "";
    let spaced = "";
    for (let to = from; to < words.length; to++) {
      const word = words[to] ?? "";
      together += word;
      spaced = to === from ? word : `${spaced} ${word}`;
      if (together.length > tables.lettersMax) break;
      const excepted = tables.except.get(spaced);
      if (excepted) innocent.push({ from, to, concepts: excepted });
      for (const letters of lettersMeant(together)) {
        for (const { word: term, value } of tables.whole.find(letters)) {
          const isCertain =
            from === to
              ? isSureWord(letters, term)
              : isSureInPieces(words.slice(from, to + 1), spaced, term, value);
          if (isCertain || term.length > 2) found.push({ from, to, concept: value.concept, isCertain });
        }
      }
    }
    for (const letters of lettersMeant(words[from] ?? "")) {
      meetsAffixes(letters, tables, (concept) => found.push({ from, to: from, concept, isCertain: true }));
    }
  }
  for (const { from, to, concept, isCertain } of found) {
    const isInnocent = innocent.some(
      (span) => span.from <= from && to <= span.to && span.concepts.has(concept),
    );
    if (!isInnocent) (isCertain ? certain : doubtful).add(concept);
  }
}

function isSureWord(letters: string, term: string): boolean {
  return letters === term || term.length >= 4;
}

/** "sch ool" and "s e x" are no chance; "min or" may be. */
function isSureInPieces(pieces: readonly string[], spaced: string, term: string, entry: Entry): boolean {
  if (spaced === entry.spaced) return true;
  if (pieces.length > 2 && pieces.every((piece) => piece.length === 1)) return true;
  // The same words as in a phrase, some of them held down or with signs.
  if (pieces.length === entry.spaced.split(" ").length && pieces.length > 1 && term.length >= 5) return true;
  return term.length >= 5 && !pieces.every((piece) => COMMON_WORDS.has(piece));
}

function meetsAffixes(word: string, tables: Tables, meet: (concept: string) => void): void {
  for (const length of tables.beginnings.lengths) {
    if (length > word.length) continue;
    for (const concept of tables.beginnings.concepts.get(word.slice(0, length)) ?? NONE) meet(concept);
  }
  for (const length of tables.endings.lengths) {
    if (length > word.length) continue;
    for (const concept of tables.endings.concepts.get(word.slice(-length)) ?? NONE) meet(concept);
  }
  for (const [inside, concept] of tables.insides) if (word.includes(inside)) meet(concept);
}

function meetsStarred(word: string, tables: Tables, certain: Set<string>): void {
  const stars = (word.match(/\*/g) ?? []).length;
  const letters = word.length - stars;
  if (letters < 2) return;
  const expression = new RegExp(`^${word.replaceAll("*", ".")}$`, "u");
  for (const { spaced, concept } of tables.singleWords.get(word.length) ?? []) {
    if (word.length >= 4 && expression.test(spaced)) certain.add(concept);
  }
}

function tablesOf(concepts: Policy["concepts"]): Tables {
  const whole = createStretchedWords<Entry>();
  const beginnings: Affixes = { concepts: new Map(), lengths: new Set() };
  const endings: Affixes = { concepts: new Map(), lengths: new Set() };
  const insides: [string, string][] = [];
  const except = new Map<string, Set<string>>();
  const patterns: Tables["patterns"][number][] = [];
  const singleWords = new Map<number, Entry[]>();
  let lettersMax = 0;
  for (const [concept, { words, patterns: sources, except: innocent }] of Object.entries(concepts)) {
    for (const term of words.flatMap(termsOf)) {
      const letters = term.spaced.replaceAll(" ", "");
      if (term.kind === "beginning") addTo(beginnings, letters, concept);
      else if (term.kind === "ending") addTo(endings, letters, concept);
      else if (term.kind === "inside") insides.push([letters, concept]);
      else {
        const entry = { concept, spaced: term.spaced };
        whole.add(letters, entry);
        lettersMax = Math.max(lettersMax, letters.length);
        if (letters === term.spaced)
          singleWords.set(letters.length, [...(singleWords.get(letters.length) ?? []), entry]);
      }
    }
    const phrases = innocent.flatMap(termsOf).map((term: Term) => term.spaced);
    for (const phrase of phrases) {
      except.set(phrase, (except.get(phrase) ?? new Set()).add(concept));
      lettersMax = Math.max(lettersMax, phrase.replaceAll(" ", "").length);
    }
    const masked =
      phrases.length === 0 ? undefined : new RegExp(`(?<!\\S)(?:${phrases.join("|")})(?!\\S)`, "gu");
    if (sources.length > 0) {
      const expression = new RegExp(sources.map((source) => `(?:${source})`).join("|"), "u");
      patterns.push({ concept, expression, except: masked });
    }
  }
  // A quarter more: some letters may be held down.
  return {
    whole,
    except,
    beginnings,
    endings,
    insides,
    patterns,
    singleWords,
    lettersMax: Math.ceil(lettersMax * 1.25),
  };
}

function addTo(affixes: Affixes, letters: string, concept: string): void {
  affixes.lengths.add(letters.length);
  affixes.concepts.set(letters, (affixes.concepts.get(letters) ?? new Set()).add(concept));
}

const NONE: readonly string[] = [];
