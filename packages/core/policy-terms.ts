/**
 * @module How words are written in a policy: `mineur(e|s|es)` is the word with each ending and without, `child*` every word
 * that begins so. Accents, case and hyphens do not matter.
 */
import { plainOf } from "./normalise.ts";

export interface Term {
  /** With blanks, normalised. */
  readonly spaced: string;
  readonly isBeginning: boolean;
}

/** The terms of one entry; none where nothing is left of it after normalising. */
export function termsOf(written: string): Term[] {
  const isBeginning = written.endsWith("*");
  return expanded(written.replace(/\*$/, ""))
    .map((word) => ({ spaced: plainOf(word), isBeginning }))
    .filter(({ spaced }) => spaced !== "");
}

/** Each choice of the optional parts in brackets. */
function expanded(written: string): string[] {
  const [whole, before = "", inside = "", after = ""] = /^([^()]*)\(([^()]*)\)(.*)$/s.exec(written) ?? [];
  if (whole === undefined) return [written];
  return ["", ...inside.split("|")].flatMap((ending) => expanded(before + ending + after));
}
