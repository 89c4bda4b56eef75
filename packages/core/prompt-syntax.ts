/**
 * @module What image programs read as instructions rather than words: weights, alternatives, separators, switches. Taken
 * out for matching, so that they cannot stand between the letters of a word.
 */
import { unified } from "./fold.ts";

/**
 * The words of a text as its program would read them: `(word:1.3)`, `((word))`, `word::2`, `{one|other}`, `BREAK`,
 * `<lora:name:0.8>`. Brackets stay where they do not matter, since they separate words. The result is for matching, and
 * alternatives that are glued to a word are added to its end, each as a whole word.
 */
export function withoutPromptSyntax(text: string): string {
  if (!MAY_HAVE_SYNTAX.test(text)) return text;
  const bare = text
    .replace(
      /<\s*(?:lora|lyco|lycoris|hypernet|embedding|ti)\s*[:=]([^<>]*?)(?::\s*-?(?:\d?\.\d+|\d))*\s*>/giu,
      " $1 ",
    )
    .replace(WEIGHT, "")
    .replace(/::[-+]?(?:\d(?:\.\d+)?|\.\d+)?(?!\d)/g, " ")
    .replace(/\b(?:BREAK|ADDCOMM|ADDBASE|ADDROW|ADDCOL)\b/g, " ");
  const alternatives = [...bare.matchAll(GLUED_ALTERNATIVES)].flatMap(
    ([, before = "", inside = "", after = ""]) =>
      inside
        .split("|")
        .slice(0, ALTERNATIVES_MAX)
        .map((one) => before + one.trim() + after),
  );
  const withoutAnd = /\bAND\b/.test(bare) ? [bare.replace(/\bAND\b/g, " ")] : [];
  return [bare, ...alternatives, ...withoutAnd].join(" . ");
}

/**
 * What a text asks for and what it asks to leave out. `--no …` runs to the next switch; a piece with a negative weight
 * (`(word:-1)`, `word::-0.5`) counts as unwanted as well, but stays among the wanted: a doubt refuses.
 */
export function wantedAndUnwanted(text: string): { wanted: string; unwanted: string } {
  const unwanted: string[] = [];
  const wanted = text.replace(NO_SWITCH, (_, words: string) => {
    unwanted.push(words);
    return " ";
  });
  return { wanted, unwanted: [...unwanted, ...negativelyWeighted(wanted)].join(", ") };
}

/** The pieces of a text that carry a negative weight. In a negative prompt they are wanted: twice unwanted. */
export function negativelyWeighted(text: string): string[] {
  const plain = unified(text);
  if (!/:\s*[-−]/.test(plain)) return [];
  return [...plain.matchAll(NEGATIVE_WEIGHT)].map(
    ([, inBrackets, beforeColons]) => inBrackets ?? beforeColons ?? "",
  );
}

/** Whether a text points to a picture or page elsewhere, which no word list can look into. */
export function pointsElsewhere(text: string): boolean {
  return /\bhttps?:\/\/|\bdata:image\/|\bwww\.|--(?:cref|sref|oref|iref)\b/i.test(text);
}

const ALTERNATIVES_MAX = 8;
const MAY_HAVE_SYNTAX = /[()[\]{}<>|]|::|BREAK|AND|ADD/;
/** After a letter or a bracket only: "(16:9)" is a format, and "(age:9)" an age. */
const WEIGHT =
  /(?<=[\p{L}\p{M})\]}"'.])(?<!\b(?:age|aged|edad|alter|eta|età|idade)\s*)\s*:[-+]?\d\.?\s*(?=[)\]}>])|(?<=[\p{L}\p{M}\p{N}()\]}"'.])\s*:\s*[-+]?\d?\.\d+\s*(?=[)\]}>])/giu;
const GLUED_ALTERNATIVES =
  /(?=\p{L}+[{[]|[{[][^{}[\]]*[}\]]\p{L})(\p{L}*)[{[]([^{}[\]|]*(?:\|[^{}[\]|]*)+)[}\]](\p{L}*)/gu;
const NO_SWITCH = /(?:^|\s)[-–—]{1,2}no\s+((?:(?!\s[-–—]{1,2}[a-z]).)*)/gisu;
const NEGATIVE_WEIGHT =
  /([^()[\]{},.;|]+?)\s*:\s*[-−]\s*(?:\d+\.?\d*|\.\d+)\s*(?=[)\]}])|([^,.;|:]+)::\s*[-−]/gu;
