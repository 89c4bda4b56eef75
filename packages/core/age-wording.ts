/**
 * @module Ages brought to one wording: "quinze ans", "fünfzehnjährig", "15yo", "fi ve years old" all say "N yearsold" then,
 * so that what follows needs one pattern instead of six languages.
 */
import { AMBIGUOUS_NUMBER_WORDS, ITALIAN_AGE_NOUNS, NUMBER_WORDS, ORDINAL_WORDS } from "./number-words.ts";
import { createStretchedWords } from "./stretched-words.ts";

/** What follows a number that is an age; several languages, one meaning. */
const UNIT = "yearsold";
const UNITS = [
  "years old|year old|year olds|years of age|year of age|yrs old|yr old|yrs of age|yo|y o|yearold|yearsold|yolds|years young",
  "ans|an|anos|ano|anni|anno|jahre|jahr|jahren|jahre alt|jahrig|jahrige|jahriger|jahriges|jahrigen|jahrigem",
  "jaehrig|jaehrige|jaehriger|jaehrigen|printemps|primaveras|primavere|lenze",
].flatMap((line) => line.split("|"));

/** Words around ages that are brought to themselves, so that letters held down or set apart in them do not hide them. */
const AROUND = [
  "years|months|weeks|days|old|aged|age|ages|birthday|born|grade|summers|springs|winters|looks|looking|appears|under|below|between",
  "edad|idade|alter|nacida|nacido|geboren|nascida|nascido|monate|meses|mesi|mois",
].flatMap((line) => line.split("|"));

interface AgeWord {
  readonly written: string;
  readonly canonical: string;
  readonly onlyBeforeUnit: boolean;
}

const AGE_WORDS = createStretchedWords<AgeWord>();
for (const written of UNITS) add(written, UNIT);
for (const written of AROUND) add(written, written);
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
const WORDS_TOGETHER_MAX = 6;
const LETTERS_TOGETHER_MAX = 24;

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
    .replace(DIGIT_LETTERS, (letters) => letters.replace(/[^0-9]/g, (one) => DIGITS[one] ?? one));
}

function longestAt(words: readonly string[], at: number): { canonical: string; next: number } {
  const first = words[at] ?? "";
  // Few words can begin an age word, and digits never do; most of a text is left alone here.
  for (let count = Math.min(WORDS_TOGETHER_MAX, words.length - at); count >= 1; count--) {
    const parts = words.slice(at, at + count);
    const together = parts.join("");
    if (together.length > LETTERS_TOGETHER_MAX || /\d/.test(together)) continue;
    const spaced = parts.join(" ");
    const next = words[at + count] ?? "";
    const found = AGE_WORDS.find(together).find(
      ({ word, value }) =>
        (!value.onlyBeforeUnit || UNIT_STARTS.has(next)) &&
        // Two short words side by side spell a number by chance ("on ce"), longer ones hardly.
        (count === 1 ? together === word || word.length >= 4 : spaced === value.written || word.length >= 4),
    );
    if (found) return { canonical: found.value.canonical, next: at + count };
  }
  return { canonical: first, next: at + 1 };
}

/** "fünfzehnjährige", "fifteenyearold", "zweitausendzwölf": put together in writing. */
function unglued(word: string): string[] {
  if (word.length < 7) return [word];
  const thousand = /^(?:zwei|due|dos|dois)(?:tausend(?:und)?|mila|mil)(\p{L}+)$/u.exec(word)?.[1];
  if (thousand !== undefined && NUMBER_WORDS.has(thousand)) return ["2", "mille", thousand];
  const [, number = "", unit = ""] = GLUED_AGE.exec(word) ?? [];
  return NUMBER_WORDS.has(number) ? [number, unit] : [word];
}

const GLUED_AGE = /^(\p{L}{3,}?)(years?olds?|yrs?olds?|years?|yo|ans|anos|anni|jahre|jae?hrig\p{L}{0,2})$/u;

/** "l5", "1S": letters that look like digits, where an age has its number. */
const DIGIT_LETTERS = new RegExp(`\\b(?:[il][\\dosgbzt]|1 ?[osgbzt]) ?(?=${UNIT}\\b)`, "g");
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
