/** @module Texts in scripts that the policy cannot read. */

/**
 * Whether a text holds a word with letters that are not Latin: two or more, or one inside a Latin word. A Greek letter
 * alone is a sign ("Sony α7"). Styled Latin letters (full width, mathematical) are Latin here.
 */
export function hasUnreadableScript(text: string): boolean {
  if (/^[\p{ASCII}\p{Script=Latin}\p{Script=Common}\p{Script=Inherited}]*$/u.test(text)) return false;
  return UNREADABLE.test(text.normalize("NFKC"));
}

const OTHER = "(?![\\p{Script=Latin}\\p{Script=Common}\\p{Script=Inherited}])\\p{L}";
const UNREADABLE = new RegExp(
  `(?:${OTHER})[\\p{M}\\p{Cf}]*\\p{L}|\\p{Script=Latin}[\\p{M}\\p{Cf}]*${OTHER}`,
  "u",
);
