/**
 * @module Names of people in a text. A full name is two capitalised words that are not a place, a style or a maker; a known
 * given name counts with any word after it. An invented person needs no surname, so in rated texts a doubt refuses.
 */
import type { Policy } from "./catalogue.ts";
import { COMMON_WORDS } from "./common-words.ts";
import { unified } from "./fold.ts";
import { type NormalisedText, plainOf } from "./normalise.ts";
import { withoutPromptSyntax } from "./prompt-syntax.ts";

type Persons = Policy["persons"];

/** Whether a text holds a full name of a person, an account name, or words that point to one ("as played by Jane"). */
export function namesPerson(text: string, persons: Persons): boolean {
  if (ACCOUNT.test(text)) return true;
  const words = withoutPromptSyntax(unified(text));
  return POINTS_TO_NAME.test(words) || hasFullName(words, listsOf(persons));
}

/** Whether one of the names is in the text, however it is spelled. */
export function isOnList(text: NormalisedText, names: readonly string[]): boolean {
  return names.some((name) => {
    const wanted = plainOf(name);
    return (
      wanted !== "" &&
      text.readings.some(
        (reading) =>
          ` ${reading} `.includes(` ${wanted} `) ||
          (wanted.length >= 8 && reading.replaceAll(" ", "").includes(wanted.replaceAll(" ", ""))),
      )
    );
  });
}

/** "@name", but not "@f1.8" or an address after a word. */
const ACCOUNT = /(?<![\p{L}\p{N}._-])@(?!f\d)[\p{L}_][\p{L}\p{N}_.]{2,}/u;
const NAME = "(?:\\p{Lu}[\\p{L}'’-]+)";
const POINTS_TO_NAME = new RegExp(
  "\\b(?:(?:as|role|part|character) (?:is |was )?played by|portrayed by|starring|(?:photo|picture|image|portrait|face|body|likeness|photograph|selfie)s? of (?:the )?(?:real )?(?:Mr|Mrs|Ms|Miss|Mme|Frau|Herr|Senora|Signora)\\b|" +
    `(?:looks?|looking|resembl(?:es|ing)|similar) (?:exactly |just |a lot )?(?:like |to )?${NAME}|(?:modelled|modeled|based) on (?:the real )?${NAME}|` +
    `(?:dans le role de|ressemble a|jouee? par|interpretee? par|interpretad[oa] por|se parece a|parecida? a|gespielt von|sieht aus wie|ahnelt|interpretat[oa] da|assomiglia a|somiglia a|interpretad[oa] pel[oa]|parecid[oa] com) (?:la |el |der |die |l')?${NAME})`,
  "u",
);

interface Lists {
  readonly given: ReadonlySet<string>;
  readonly other: ReadonlySet<string>;
}

const lists = new WeakMap<Persons, Lists>();

function listsOf(persons: Persons): Lists {
  let found = lists.get(persons);
  if (found === undefined) {
    found = {
      given: new Set(persons.given.map(plainOf)),
      other: new Set(persons.other.map(plainOf)),
    };
    lists.set(persons, found);
  }
  return found;
}

interface Word {
  readonly text: string;
  readonly plain: string;
  readonly startsSentence: boolean;
  /** What stands between it and the word before. */
  readonly before: string;
}

const PARTICLES: ReadonlySet<string> = new Set(
  "de da di del della van von der den la le du dos das al bin ben el st mc o".split(" "),
);

const GERMAN_WORDS: ReadonlySet<string> = new Set(
  "der die das den dem des ein eine einer einem einen und mit im am auf aus vor ist sind von zum zur frau jahre".split(
    " ",
  ),
);

function hasFullName(text: string, { given, other }: Lists): boolean {
  const words = wordsOf(text);
  const capitals = words.filter(({ text: word }) => isCapitalised(word)).length;
  // In Title Case capitals say nothing; then only given names do.
  const isTitleCase = words.length >= 4 && capitals > words.length * 0.6;
  // German writes every noun with a capital, so the beginning of a sentence often has two.
  const isGerman =
    words.filter(({ plain }) => GERMAN_WORDS.has(plain)).length >= 2 || /\b\d+-jahrige/i.test(text);
  return words.some((word, at) => {
    const next = nextOf(words, at);
    if (next === undefined || other.has(next.plain)) return false;
    const isGiven = given.has(word.plain);
    if (isGiven) return isCapitalised(next.text) || !(COMMON_WORDS.has(next.plain) || next.plain.length < 3);
    if (isTitleCase || other.has(word.plain)) return false;
    return (
      isCapitalised(word.text) &&
      isCapitalised(next.text) &&
      !isAcronym(word.text) &&
      !isAcronym(next.text) &&
      !(word.startsSentence && isGerman)
    );
  });
}

/** The word after, over initials and particles ("Jane A. de la Doe"); none behind punctuation. */
function nextOf(words: readonly Word[], at: number): Word | undefined {
  for (const word of words.slice(at + 1, at + 5)) {
    if (!/^[ '’._-]*$/.test(word.before) || word.startsSentence) return undefined;
    const isInitial = word.text.length === 1 && /^\p{Lu}/u.test(word.text);
    if (!isInitial && !PARTICLES.has(word.plain)) return word;
  }
  return undefined;
}

function wordsOf(text: string): Word[] {
  const words: Word[] = [];
  let end = 0;
  for (const match of text.matchAll(/\p{L}[\p{L}'’]*/gu)) {
    const before = text.slice(end, match.index);
    end = match.index + match[0].length;
    words.push({
      text: match[0],
      plain: match[0].toLowerCase().replace(/['’]s?$/, ""),
      before,
      // After an initial a full stop ends nothing.
      startsSentence:
        words.length === 0 || (/[.!?\n:]\s*$/.test(before) && (words.at(-1)?.text.length ?? 0) > 1),
    });
  }
  return words;
}

function isCapitalised(word: string): boolean {
  return /^\p{Lu}\p{Ll}/u.test(word) || (word.length > 1 && isAcronym(word));
}

function isAcronym(word: string): boolean {
  return /^\p{Lu}+$/u.test(word);
}
