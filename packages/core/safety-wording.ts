/**
 * @module What is added to the texts of a rated image before they are sent: that everybody is an adult, and what must not
 * appear. Added after judging, never stored as the caller's own words.
 */

import type { Rating } from "./catalogue.ts";
import { plainOf } from "./normalise.ts";
import { isRated } from "./policy.ts";

/** What goes to a provider in place of the caller's prompt and negative prompt. */
export interface SafeTexts {
  readonly prompt: string;
  readonly negativePrompt: string;
}

/** Said of whoever is shown; models weigh the beginning and the end of a prompt most. */
export const ADULT_WORDING = "adults only, everyone shown is an adult over 25";

/** Common to all rated pictures, and what only the lower of them must not show. */
export const SAFETY_NEGATIVES = [
  "child",
  "minor",
  "underage",
  "teenager",
  "youthful face",
  "explicit sexual act",
] as const;
const NO_NUDITY = ["nudity"] as const;

/**
 * The texts with adult wording and safety negatives; those of a general image as they are. Twice gives the same as once,
 * and what the caller has written already is not repeated.
 *
 * @param input.takesNegative whether the model has a negative prompt of its own. Where it has not, nothing is added to any
 *   list of unwanted words: Midjourney reads `--no child` as a word about children and moderates it like any other, so for
 *   it and its like the adult wording stands alone
 * @param input.charactersMax the longest prompt that the model takes; wording that does not fit is left out, negatives
 *   from the end, since a prompt that is cut by the provider loses more
 */
export function withSafetyWording(
  texts: SafeTexts,
  input: { readonly rating: Rating; readonly takesNegative: boolean; readonly charactersMax: number },
): SafeTexts {
  if (!isRated(input.rating)) return texts;
  const negatives = input.rating === "nudity" ? SAFETY_NEGATIVES : [...SAFETY_NEGATIVES, ...NO_NUDITY];
  return {
    prompt: extended(texts.prompt, [ADULT_WORDING], input.charactersMax),
    negativePrompt: input.takesNegative
      ? extended(texts.negativePrompt, negatives, input.charactersMax)
      : texts.negativePrompt,
  };
}

/** The pieces that the text has not, as many as fit, behind it and before any switches (`--ar 3:2`). */
function extended(text: string, pieces: readonly string[], charactersMax: number): string {
  const switches = /\s--[a-z].*$/is.exec(text)?.[0] ?? "";
  let words = text.slice(0, text.length - switches.length).trimEnd();
  for (const piece of pieces) {
    if (` ${plainOf(words)} `.includes(` ${plainOf(piece)} `)) continue;
    const longer = words === "" ? piece : `${words.replace(/,$/, "")}, ${piece}`;
    if ([...longer, ...switches].length > charactersMax) break;
    words = longer;
  }
  return words + switches;
}
