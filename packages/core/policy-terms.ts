/**
 * @module How words are written in a policy: `mineur(e|s|es)` is the word with each ending and without, `child*` every word
 * that begins so, `*girl` every word that ends so, `*kind*` both. Accents, case and hyphens do not matter.
 */
import { plainOf } from "./normalise.ts";

export interface Term {
  /** With blanks, normalised. */
  readonly spaced: string;
  readonly kind: "whole" | "beginning" | "ending" | "inside";
}

/** The terms of one entry; none where nothing is left of it after normalising. */
export function termsOf(written: string): Term[] {
  const startsOpen = written.startsWith("*");
  const endsOpen = written.endsWith("*");
  const kind = startsOpen ? (endsOpen ? "inside" : "ending") : endsOpen ? "beginning" : "whole";
  return expanded(written.replace(/^\*|\*$/g, ""))
    .map((word) => ({ spaced: plainOf(word), kind }) as const)
    .filter(({ spaced }) => spaced !== "");
}

/** Each choice of the optional parts in brackets. */
function expanded(written: string): string[] {
  const [whole, before = "", inside = "", after = ""] = /^([^()]*)\(([^()]*)\)(.*)$/s.exec(written) ?? [];
  if (whole === undefined) return [written];
  return ["", ...inside.split("|")].flatMap((ending) => expanded(before + ending + after));
}
