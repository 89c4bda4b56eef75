/**
 * @module Ages below 18 that wording gives away, in six languages: years, ranges, comparisons, birthdays, births. Meant for
 * rated texts, where a doubt refuses.
 */
import { AGE_WORDING_VOCABULARY, withAgesInOneWording } from "./age-wording.ts";
import { ADULT_AGE } from "./catalogue.ts";
import { wordsOfPatterns } from "./repair.ts";

/** Where no date is given: births from here on may be below 18 in the year in which this was written. */
const YEAR_WITHOUT_CLOCK = 2026;

/**
 * Whether a text says an age below 18 of somebody: "15 years old", "quinze ans", "looks 15", "under 18", "barely 18",
 * "her 16th birthday", "born in 2012".
 *
 * @param readings of the normalised text
 * @param today a local date such as "2026-11-22"; births are compared with its year. Without it 2026 is taken, so that
 *   the answer never depends on a clock by itself
 */
export function saysAgeBelowAdult(readings: readonly string[], today?: string): boolean {
  const year = today === undefined ? YEAR_WITHOUT_CLOCK : Number(today.slice(0, 4));
  return readings.some((reading) => {
    const text = withAgesInOneWording(reading);
    return WORDINGS.some((wording) => wording.test(text)) || saysLateBirth(text, year);
  });
}

const N = "0*(?:\\d|1[0-7])";
const N10 = "(?:1[0-7])";
const NO_DURATION =
  "(?! (?:ago|later|earlier|fa|apart|of experience|d experience|de experiencia|erfahrung|di esperienza|de carriere|atras|spater))";

const WORDINGS = [
  // Years, the lower end of a range, and "15 or 20 years old".
  `(?<!\\b(?:il y a|depuis|pendant|hace|desde|vor|seit|for|since|nach) )\\b${N}(?: (?:to|or|and|a|y|e|et|und|bis|o|ou|oder|through) \\d{1,2}| \\d{1,2})? ?(?:and a half )?yearsold\\b${NO_DURATION}`,
  `\\bof (?:about |only |just )?${N} (?:years?|yrs|summers|springs|winters)\\b`,
  `\\b${N} ?(?:y|yrs?)\\b${NO_DURATION}`,
  `\\b(?:x(?:i{1,3}|iv|vi{0,2})?|i{1,3}|iv|vi{0,3}|ix) (?:years?|yearsold)\\b${NO_DURATION}`,
  `\\b${N10} ?(?:and a half|ish|something|et demi|y medio|einhalb|e mezzo|e meio)\\b`,
  // A word for age before the number.
  `\\b(?:age|aged|ages|agee|agees|edad|idade|eta|alter|lebensjahr) (?:(?:of|is|was|range|group|bracket|about|around|just|only|between|from|de|di|von|entre|zwischen|tra|fra|under|below) ){0,2}${N}\\b(?! (?:minutes?|hours?|days?|weeks?|bar|month old cheese))`,
  `\\b(?:age|aged|edad|idade|eta|alter) \\d{1,2} (?:minus |less |moins |menos |meno |weniger |minus )${N}\\b`,
  `\\b(?:between|entre|zwischen|tra|fra) (?:the ages of |los |les |i )?${N10} (?:and|et|y|und|e) (?:1\\d|2[0-2])\\b`,
  `\\bgoing on ${N10}\\b`,
  `\\b(?:shes|hes|(?:she|he|they|who|woman|man|person|model) (?:s|is|are|was|turns|turned)) (?:only |just |now |about |barely )?${N10}\\b`,
  `\\bturned ${N10}\\b(?! (?:degrees|times|pages|left|right))`,
  `\\b(?:woman|man|girl|boy|lady|person|model|student|dancer|femme|fille|mujer|chica|frau|donna|ragazza|mulher|modelo) (?:of|de|von|di|mit) ${N10}\\b`,
  `\\b(?:tiene|cumple|cumplio|cumplir|cumplidos|tem|fez|faz|fazer|completou|completar|compie|compiuto|compiere|ha|sie ist|er ist|ist erst|erst|gerade|gerade mal|wird|wurde) (?:los |gli |os )?${N10}\\b(?! (?:uhr|mm|kerzen|candele|velas))`,
  `\\b${N10} (?:summers|springs|winters)\\b`,
  `\\b(?:is|turned|turns|just|only|barely|still|going on|a|sweet) (?:just |only |still )?${N10}(?: (?:today|now|and)\\b|$)`,
  `\\b(?:is|turned|turns|just|only) ${N}(?: (?:years|today|now)|$)`,
  `\\b(?:sweet) ${N10}\\b`,
  // Comparisons.
  `\\b(?:looks?|looking|appears?|seems?|passes for|parait|semble avoir|fait|parece|aparenta|sembra|dimostra|wirkt|aussieht|sieht aus|scheint) (?:to be |about |like |like a |wie |avoir |tener |de |di |ter |a |an |around |max |maximal |circa ){0,2}(?:[2-9]|${N10})\\b(?! (?:ways|directions|times|metres|meters|mm|photos))`,
  `\\b(?:under|below|younger than|less than|moins de|menos de|menor de|menores de|meno di|minore di|minori di|menor que|abaixo de|unter|junger als|weniger als|plus jeune que|piu giovane di|mais nova que|mas joven que) (?:the age of |age )?(?:1[5-8]|\\d{1,2} yearsold)\\b(?<! (?:19|[2-9]\\d) yearsold)`,
  "\\b(?:not yet|not quite|almost|nearly|soon|soon to be|about to turn|turning|pre|barely|just turned|just|only just|freshly|newly|recently turned|legally|finally) 18\\b(?! (?:photos|frames|minutes|hours|candles|lights))",
  "\\b(?:a peine|tout juste|presque|pas encore|bientot|fraichement|apenas|recien cumplidos|recien|casi|gerade|gerade mal|kaum|fast|noch nicht|frische|appena|quasi|non ancora|mal|quase|recem|acabou de fazer|acaba de cumplir|vient d avoir) (?:de |los |gli |os )?18\\b",
  // Birthdays and other signs.
  `\\b${N} ?(?:st|nd|rd|th|e|3|eme|o|a)? ?(?:birthday|geburtstag|compleanno|cumpleanos|anniversaire|aniversario)\\b`,
  "\\b(?:f ?(?:12|15|17)|1[0-7] ?f)\\b(?! [1-9]\\b)",
  // Whoever is described in months, weeks or days is not meant as an adult, even from 216 months on.
  "\\b\\d+ ?(?:months?|weeks?|days?|mo) (?:olds?|of age)\\b",
  "\\b\\d+ ?(?:mois|meses|mesi|monate)\\b(?! (?:ago|fa|atras|spater|plus tard))",
].map((source) => new RegExp(source));

const BIRTH =
  "(?:born|birth|birthyear|year of birth|birthday|date of birth|birthdate|dob|nee|ne|naissance|nacid[oa]s?|nacimiento|geboren[ers]?|geburtsjahr|geburtsdatum|nat[oaie]|nascita|nascid[oa]s?|nascimento|jahrgang|annee|class of|promotion|promo)";
const YEAR_FIRST = /\b(2[01]\d\d) (?:births?|birthyear|birth year|born)\b/g;
const FULL_YEAR = new RegExp(`\\b(?:${BIRTH}(?: [a-z0-9]+){0,8}?|b+) (2[01]\\d\\d)\\b`, "g");
const SHORT_YEAR =
  /\b(?:born|nee|nacid[oa]|geboren|nat[oa]|nascid[oa]) (?:in |en |em |nel |im jahr |circa |about )?(\d\d)\b(?! (?:yearsold|minutes|hours|days|weeks|months|kilometres))/g;
const YEAR_IN_WORDS = new RegExp(
  `\\b${BIRTH}(?: [a-z0-9]+){0,8}? (?:(?:2|two|dos|due|deux|dois) ?(?:thousand|mille|mil)(?: (?:and|e|y|et))?|20) (?:oh )?(\\d{1,2})\\b`,
  "g",
);
const YEARS_AGO = /\bborn (?:only |just |about )?0*(?:\d|1[0-7]) years ago\b/;

/** The words that are looked for here, for `createRepair`. */
export const AGE_VOCABULARY: readonly string[] = [
  ...AGE_WORDING_VOCABULARY,
  ...["xii", "xiii", "xiv", "xv", "xvi", "xvii"],
  ...wordsOfPatterns(
    [...WORDINGS, YEAR_FIRST, FULL_YEAR, SHORT_YEAR, YEAR_IN_WORDS, YEARS_AGO].map(({ source }) => source),
  ).filter((word) => word !== "yearsold"),
];

/** Births of the last 18 calendar years: whoever turns 18 this year may not have done so yet. */
function saysLateBirth(text: string, year: number): boolean {
  const first = year - ADULT_AGE;
  const isLate = (birth: number) => birth >= first;
  return (
    YEARS_AGO.test(text) ||
    yearsOf(FULL_YEAR, text).some(isLate) ||
    yearsOf(YEAR_FIRST, text).some(isLate) ||
    yearsOf(YEAR_IN_WORDS, text).some((short) => isLate(2000 + short)) ||
    // "'12" is 2012 as long as it is not in the future.
    yearsOf(SHORT_YEAR, text).some((short) => isLate(2000 + short) && 2000 + short <= year)
  );
}

function yearsOf(pattern: RegExp, text: string): number[] {
  return [...text.matchAll(pattern)].map((match) => Number(match[1]));
}
