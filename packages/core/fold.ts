/**
 * @module Characters brought to plain Latin letters and ASCII digits, for matching only: nothing that is sent or stored
 * goes through here. Words, punctuation and blanks stay where they are.
 */
import { latinReadingOf } from "./confusables.ts";
import { withoutEscapes } from "./escapes.ts";

/** `unified` in lower case. */
export function folded(text: string): string {
  return unified(text).toLowerCase();
}

/**
 * NFKC, without marks and invisible characters; codes resolved, look-alike letters as Latin ones, any digit as 0-9, and
 * emoji that show what a rule is about as the English word for it. The case of letters is kept.
 */
export function unified(text: string): string {
  const resolved = withoutEscapes(text);
  if (ASCII_ONLY.test(resolved)) return resolved;
  return (
    resolved
      .replace(EMOJI, (emoji) => ` ${EMOJI_WORDS.get(emoji) ?? ""} `)
      // Before NFKC makes "161⁄2" of "16½".
      .replace(/(?<=\d)[¼½¾⅓⅔]/gu, "")
      .normalize("NFKC")
      // Held down they would be two letters over and over.
      .replace(/([œæß])\1+/giu, "$1")
      .normalize("NFD")
      .replace(/[\p{M}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, "")
      .replace(/\p{Nd}/gu, asciiDigit)
      .replace(/[^\p{ASCII}]/gu, (character) => latinReadingOf(character) ?? character)
  );
}

const ASCII_ONLY = /^\p{ASCII}*$/u;

/** Every block of decimal digits is ten characters in order, so the distance to its first one is the digit's value. */
function asciiDigit(digit: string): string {
  const codePoint = digit.codePointAt(0) ?? 0;
  let zero = codePoint;
  while (codePoint - zero < 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--;
  return String(codePoint - zero);
}

const EMOJI_WORDS: ReadonlyMap<string, string> = new Map([
  ...["👶", "🍼", "🚼", "🤱", "👼"].map((emoji): [string, string] => [emoji, "baby"]),
  ...["🧒", "🚸", "👪", "🧸", "🪀"].map((emoji): [string, string] => [emoji, "child"]),
  ...["🎒", "🏫", "🚌"].map((emoji): [string, string] => [emoji, "schoolchild"]),
  ["👦", "boy"],
  ["👧", "girl"],
  ["👙", "bikini"],
  ["🩱", "swimsuit"],
  ["🩲", "underwear"],
  ["🔞", "nsfw"],
  ["🍆", "emoji aubergine"],
  ["🍑", "emoji peach"],
  ["💦", "emoji drops"],
  ["👉", "emoji finger"],
  ["👌", "emoji ring"],
  ["🩸", "bleeding"],
  ["🥴", "drunk"],
  ...["🐕", "🐶", "🐩", "🦮"].map((emoji): [string, string] => [emoji, "dog"]),
  ...["🐴", "🐎"].map((emoji): [string, string] => [emoji, "horse"]),
]);
const EMOJI = new RegExp([...EMOJI_WORDS.keys()].join("|"), "gu");
