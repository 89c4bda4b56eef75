/**
 * @module What of a negative prompt becomes `--no`.
 *
 * A wrapper looks for banned words in the whole prompt, `--no` included, so words that are there to keep a picture decent get
 * the picture refused instead. A request does not say which of its negatives are such (templates and people write both kinds
 * into one text), so they are told by what they are about: age, undress, sex, violence. Nothing is lost by leaving them
 * out: only general pictures are asked of Midjourney, which refuses the rest by itself, and our own check looks at every
 * picture. It is not a list of what wrappers ban: a word missing here costs a refusal, which is not charged.
 */
import { neutralText } from "./neutral-text.ts";

const DECENCY = new RegExp(
  `\\b(?:${[
    "adults? only|ag(?:e|ed|eing)|bab(?:y|ies)|boys?|child\\w*|girls?|infants?|kids?|minors?|preteen\\w*|school\\w*|teen\\w*",
    "toddlers?|under ?-?age\\w*|young\\w*|youth\\w*",
    "bare\\w*|breasts?|cleavage|genital\\w*|lingerie|naked\\w*|nipples?|nud\\w*|topless|underwear|undress\\w*|unclothed",
    "adult content|erotic\\w*|explicit\\w*|fetish\\w*|indecen\\w*|lewd\\w*|nsfw|obscen\\w*|porn\\w*|sex\\w*|suggestive|vulgar\\w*",
    "abus\\w*|blood\\w*|corpses?|death|dead|gor[ey]\\w*|injur\\w*|kill\\w*|viol\\w*|weapons?|wound\\w*",
  ].join("|")})\\b`,
  "iu",
);

/** The terms between commas, neutralised, each once, without those about decency. */
export function ordinaryNegatives(negativePrompt: string): string[] {
  const terms = negativePrompt
    .split(/[,;\n，；、]/)
    .map(neutralText)
    .filter((term) => term !== "" && !DECENCY.test(term));
  return [...new Map(terms.map((term) => [term.toLowerCase(), term])).values()];
}
