/**
 * @module The ages that a text states. It may be an adult one, which a rated prompt must have; or one below 18 that only
 * its place gives away ("a woman (17)"). Ages that wording gives away are in `age-below-adult.ts`.
 */
import { withAgesInOneWording } from "./age-wording.ts";
import { ADULT_AGE } from "./catalogue.ts";
import { folded } from "./fold.ts";
import { plainOf } from "./normalise.ts";
import { withoutPromptSyntax } from "./prompt-syntax.ts";

/**
 * Whether a text says in so many words that whoever it shows is an adult: "a 32-year-old woman", "aged 41",
 * "a thirty-five-year-old man", "in her forties", "une femme de 32 ans". "Adult" alone is not an age.
 */
export function statesAdultAge(text: string): boolean {
  const plain = plainOf(text);
  if (DECADES.some((decade) => decade.test(plain))) return true;
  return [...withAgesInOneWording(plain).matchAll(AGE)].some(
    (match) => Number(match[1] ?? match[2] ?? match[3]) >= ADULT_AGE,
  );
}

const DURATION =
  "(?! (?:minutes?|hours?|days?|weeks?|months?|ago|later|d experience|de experiencia|erfahrung|di esperienza))";
const AGE = new RegExp(
  `(?<!\\b(?:il y a|depuis|hace|desde|vor|seit) )\\b(\\d{2}) yearsold\\b${DURATION}|\\b(?:age|aged|edad|eta|idade|alter) (\\d{2})\\b${DURATION}|\\b(?:woman|man|person|model|dancer|lady|gentleman) of (\\d{2}) years\\b${DURATION}`,
  "g",
);
const DECADES = [
  /\bin (?:her|his|their) (?:(?:early|mid|late) )?(?:twenties|thirties|forties|fifties|sixties|seventies|[2-7]0s)\b/,
  /\b(?:twenty|thirty|forty|fifty|sixty) ?somethings?\b/,
  /\b(?:la|sa|leur) (?:trentaine|quarantaine|cinquantaine|soixantaine)\b|\b(?:trentenaire|quadragenaire|quinquagenaire|sexagenaire)s?\b/,
  /\b(?:veinte|treinta|cuarenta|cincuenta|sesenta)ner[oa]s?\b/,
  /\b(?:anfang|mitte|ende) (?:zwanzig|dreissig|vierzig|funfzig|sechzig|siebzig|[2-7]0)\b|\bin (?:ihren|seinen|den) (?:zwanzigern|dreissigern|vierzigern|funfzigern)\b/,
  /\b(?:sulla|una) (?:trentina|quarantina|cinquantina|sessantina)\b/,
  /\bna casa dos (?:vinte|trinta|quarenta|cinquenta|sessenta|[2-7]0)\b/,
];

/**
 * Whether a bare number from 2 to 17 stands where an age stands: beside a word for a person, or alone between commas or
 * brackets. It needs the punctuation, so it does not work on the normalised text. Numbers with a unit, decimals,
 * times, ratios and counts ("a woman, 12 oranges") are no ages. Meant for rated texts, where a doubt refuses.
 */
export function hasBareAgeBelowAdult(text: string): boolean {
  const lines = new Set(
    [text, withoutPromptSyntax(text)].map((one) => folded(one).replace(/\s+/gu, " ").trim()),
  );
  return [...lines].some((line) => AGE_PLACES.some((place) => place.test(line)));
}

const IN_WORDS = [
  "ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen",
  "onze|douze|treize|quatorze|quinze|seize|dix[- ]sept",
  "diez|doce|trece|catorce|dieciseis|diecisiete|zehn|zwolf|dreizehn|vierzehn|funfzehn|sechzehn|siebzehn",
  "dieci|undici|dodici|tredici|quattordici|quindici|sedici|diciassette|treze|dezesseis|dezassete|dezessete",
].join("|");
const BELOW_ADULT = `(?<![\\p{L}\\p{N}/.])(?:0?[2-9]|1 ?[0-7]|${IN_WORDS}|x(?:i{1,3}|iv|vi{0,2}))`;
const UNITS =
  "mm|cm|km|k|mp|megapixels?|bit|percent|am|pm|o.?clock|in the (?:morning|afternoon|evening)|h|uhr|seconds?|minutes?|hours?|degrees?|stop|point|piece|quarters?|" +
  "(?:m|metres?|meters?|feet|ft|steps?|paces?) (?:away|from|apart|tall|high|long|behind|in front)";
/** A plural that is counted; a few words end in s without being one, and years are an age. */
const COUNTED =
  "(?!years|yrs|months|summers|springs|winters|was |has |always )\\p{L}+[^s\\P{L}]s|people|women|men";
/** What follows a number that is no age. */
const NO_AGE = `(?![\\p{L}\\p{N}]| ?[.:/,⁄]\\d|['′]\\d| ?[%°]|-(?!year|ish|some|yo)\\p{L}| (?:${UNITS}|${COUNTED})(?!\\p{L}))`;
const NUMBER = `${BELOW_ADULT}${NO_AGE}`;
const PERSON =
  "woman|man|female|male|lady|gentleman|person|model|dancer|actress|actor|performer|bride|groom|wife|husband|girlfriend|boyfriend|" +
  "student|brunette|blonde?|redhead|beauty|femme|homme|mujer|hombre|frau|mann|donna|uomo|mulher|homem|modele|modelo|modella";
const PERSONS = `${PERSON}|ms|mrs|miss|women|men|ladies|people|persons|models|dancers|students|she|he|her|him|they|femmes|mujeres|frauen|donne|mulheres`;
const BETWEEN =
  "[\\s.,;:#()\\[\\]{}|\"'“”‘’=~/*_–—-]{1,6}(?:(?:of|at|who|is|was|now|still|age|aged|just|only|about|around|nearly|almost|barely|turning|de|von|di)\\W{1,3}){0,3}";
const OPENS = "(?:^|(?<!\\d),|(?<=\\d), |[;()\\[\\]{}|–—])";
const CLOSES = "(?:$|[,;()\\[\\]{}|–—]|\\.(?!\\d))";

const AGE_PLACES = [
  `(?<!\\p{L})(?:${PERSONS})${BETWEEN}${NUMBER}`,
  `${NUMBER}[\\s-]{1,3}(?:${PERSON})(?!\\p{L})`,
  // One adjective may stand between, where the number is hardly a count.
  `(?<![\\p{L}\\p{N}/.:])1[0-7]${NO_AGE} \\p{L}+ (?:${PERSON})(?!\\p{L})`,
  `${OPENS} ?${NUMBER} ?${CLOSES}`,
].map((source) => new RegExp(source, "u"));
