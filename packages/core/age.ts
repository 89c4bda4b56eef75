/**
 * @module The ages that a text states. It may be an adult one, which a rated prompt must have; or one below 18 that only
 * its place gives away ("a woman (17)"). Ages that wording gives away are patterns of the policy.
 */
import { ADULT_AGE } from "./catalogue.ts";
import { folded, plainOf } from "./normalise.ts";

/**
 * Whether a text says in so many words that whoever it shows is an adult: "a 32-year-old woman", "aged 41",
 * "a thirty-five-year-old man", "in her forties", "une femme de 32 ans". "Adult" alone is not an age.
 */
export function statesAdultAge(text: string): boolean {
  const plain = plainOf(text);
  if (DECADE.test(plain) || TENS_IN_WORDS.test(plain)) return true;
  return [...plain.matchAll(AGE_IN_DIGITS)].some((match) => Number(match[1] ?? match[2]) >= ADULT_AGE);
}

const AGE_IN_DIGITS =
  /\b(\d{2}) ?(?:years? olds?|years? of age|yrs? old|yo|y o|ans|anos|anni|jahre|jahrige[nrs]?)\b|\baged? (\d{2})\b(?! (?:minutes?|hours?|days?|weeks?|months?))/g;
const TENS_IN_WORDS =
  /\b(?:twenty|thirty|forty|fifty|sixty|seventy|eighty)(?: (?:one|two|three|four|five|six|seven|eight|nine))? years? old\b/;
const DECADE =
  /\bin (?:her|his|their) (?:(?:early|mid|late) )?(?:twenties|thirties|forties|fifties|sixties|seventies)\b/;

/**
 * Whether a bare number from 2 to 17 stands where an age stands: beside a word for a person, or alone between commas or
 * brackets. It needs the punctuation, so it does not work on the normalised text. Numbers with a unit, decimals,
 * times, ratios and counts ("a woman, 12 oranges") are no ages. Meant for rated texts, where a doubt refuses.
 */
export function hasBareAgeBelowAdult(text: string): boolean {
  const line = folded(text).replace(/\s+/gu, " ").trim();
  return AGE_PLACES.some((place) => place.test(line));
}

const BELOW_ADULT =
  "(?<![\\p{L}\\p{N}/.])(?:0?[2-9]|1[0-7]|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|x(?:i{1,3}|iv|vi{0,2}))";
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
