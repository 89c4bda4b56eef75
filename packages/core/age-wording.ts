/**
 * @module Ages brought to one wording: "quinze ans", "fünfzehnjährig", "15yo", "fi ve years old" all say "N yearsold" then,
 * so that what follows needs one pattern instead of six languages.
 */
import { AMBIGUOUS_NUMBER_WORDS, ITALIAN_AGE_NOUNS, NUMBER_WORDS, ORDINAL_WORDS } from "./number-words.ts";
import { appendedSqueezed, createStretchedWords } from "./stretched-words.ts";

/** What follows a number that is an age; several languages, one meaning. */
const UNIT = "yearsold";
const UNITS = [
  "years old|year old|year olds|years of age|year of age|yrs old|yr old|yrs of age|yo|y o|yearold|yearsold|yolds|years young",
  "ans|an|anos|ano|anni|anno|jahre|jahr|jahren|jahre alt|jahrig|jahrige|jahriger|jahriges|jahrigen|jahrigem",
  "jaehrig|jaehrige|jaehriger|jaehrigen|printemps|piges|balais|primaveras|primavere|lenze",
].flatMap((line) => line.split("|"));

interface AgeWord {
  readonly written: string;
  readonly canonical: string;
  readonly onlyBeforeUnit: boolean;
}

const AGE_WORDS = createStretchedWords<AgeWord>();
for (const written of UNITS) add(written, UNIT);
for (const [written, number] of NUMBER_WORDS)
  add(written, String(number), AMBIGUOUS_NUMBER_WORDS.has(written));
for (const [written, number] of ITALIAN_AGE_NOUNS) add(written, `${number} ${UNIT}`);
for (const [written, number] of ORDINAL_WORDS) add(written, `${number}th`);

function add(written: string, canonical: string, onlyBeforeUnit = false): void {
  AGE_WORDS.add(written.replaceAll(" ", ""), { written, canonical, onlyBeforeUnit });
}

const UNIT_STARTS: ReadonlySet<string> = new Set([
  "year",
  "years",
  "yrs",
  "yr",
  ...UNITS.map((unit) => unit.split(" ")[0] ?? unit),
]);

const GERMAN_ENDINGS = ["jahrig", "jahrige", "jahriger", "jahriges", "jahrigen", "jahrigem"];

/** The words that are looked for here. */
export const AGE_WORDING_VOCABULARY: readonly string[] = [
  ...UNITS.flatMap((unit) => unit.split(" ")).filter((word) => !/^y.*olds?$/.test(word)),
  ...[...NUMBER_WORDS.keys()].flatMap((word) => [
    word,
    `${word}einhalb`,
    ...GERMAN_ENDINGS.map((ending) => word + ending),
  ]),
  ...ITALIAN_AGE_NOUNS.keys(),
  ...ORDINAL_WORDS.keys(),
];

/**
 * A normalised text with its ages in one wording: numbers as digits, and "yearsold" for what makes them an age.
 *
 * @param plain a reading of `normalised`
 */
export function withAgesInOneWording(plain: string): string {
  const words = plain
    .replace(/(?<![\p{L}\p{N}])(\d+)(\p{L}+)/gu, "$1 $2")
    .split(" ")
    .flatMap(unglued);
  const result: string[] = [];
  for (let at = 0; at < words.length; ) {
    const found = longestAt(words, at);
    result.push(found.canonical);
    at = found.next;
  }
  return result
    .join(" ")
    .replace(DIGIT_LETTERS, (letters) =>
      letters.replace(/[il]+/g, "1").replace(/[^0-9]/g, (one) => DIGITS[one] ?? one),
    );
}

function longestAt(words: readonly string[], at: number): { canonical: string; next: number } {
  let longest = { canonical: words[at] ?? "", next: at + 1 };
  let together = "";
  let key = "";
  let spaced = "";
  for (let end = at; end < words.length; end++) {
    const word = words[end] ?? "";
    together += word;
    key = appendedSqueezed(key, word);
    if (!AGE_WORDS.mayBegin(key)) break;
    spaced = end === at ? word : `${spaced} ${word}`;
    const next = words[end + 1] ?? "";
    const found = AGE_WORDS.find(together, key).find(
      ({ word: ageWord, value }) =>
        (!value.onlyBeforeUnit || UNIT_STARTS.has(next)) &&
        // Two short words side by side spell a number by chance ("on ce"), longer ones hardly.
        (ageWord.length >= 4 || (end === at ? together === ageWord : spaced === value.written)),
    );
    if (found) longest = { canonical: found.value.canonical, next: end + 1 };
  }
  return longest;
}

/** "fünfzehnjährige", "fifteenyearold", "zweitausendzwölf": put together in writing. */
function unglued(word: string): string[] {
  if (word.length < 7) return [word];
  const thousand = /^(?:zwei|due|dos|dois)(?:tausend(?:und)?|mila|mil)(\p{L}+)$/u.exec(word)?.[1];
  if (thousand !== undefined && NUMBER_WORDS.has(thousand)) return ["2", "mille", thousand];
  const half = /^(\p{L}+)einhalb(\p{L}*)$/u.exec(word);
  if (half !== null && NUMBER_WORDS.has(half[1] ?? ""))
    return [half[1] ?? "", half[2] ?? ""].filter((part) => part !== "");
  const [, number = "", unit = ""] = GLUED_AGE.exec(word) ?? [];
  return NUMBER_WORDS.has(number) ? [number, unit] : [word];
}

const GLUED_AGE = /^(\p{L}{3,}?)(years?olds?|yrs?olds?|years?|yo|ans|anos|anni|jahre|jae?hrig\p{L}{0,2})$/u;

/** "l5", "1S": letters that look like digits, where an age has its number. */
const DIGIT_LETTERS = new RegExp(`\\b(?:[il]+[\\dosgbzt]|1 ?[osgbzt]) ?(?=${UNIT}\\b)`, "g");
const DIGITS: Readonly<Record<string, string>> = {
  i: "1",
  l: "1",
  o: "0",
  s: "5",
  g: "6",
  b: "6",
  z: "2",
  t: "7",
};
