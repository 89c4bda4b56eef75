/**
 * @module Words of a person made fit to stand in front of our own parameters: Midjourney reads switches (`--v 6`, `—v 6`),
 * weights (`cat::2`), permutations (`{red, blue} car`, each of which is billed) and addresses of pictures anywhere in a prompt.
 *
 * Whatever is taken out leaves a blank, so that what stood around it cannot come together to something new. Only what
 * cannot be seen goes without a trace, and compatibility forms (full-width colons, braces, dashes) become plain, before anything else
 * is looked at: the wrapper may have the prompt translated, which makes ASCII of them.
 */

/** The words alone, on one line with single blanks; empty when nothing else was there. */
export function neutralText(text: string): string {
  return (
    text
      .toWellFormed()
      .replace(/[\p{Default_Ignorable_Code_Point}\p{Cf}]/gu, "")
      .normalize("NFKC")
      .replace(/[\p{Cc}\p{Z}\s]+/gu, " ")
      .replace(/:{2,}\s*[-+]?\d*\.?\d*/g, " ")
      .replace(ADDRESS, " ")
      // `**` ends the prompt in the message by which the wrapper recognises its picture.
      .replace(/[{}*]/g, " ")
      .replace(DASHES, (dashes, before: string, after: string) =>
        before !== "" && after !== "" && JOINING.test(dashes) ? "-" : " ",
      )
      .replace(/ {2,}/g, " ")
      .trim()
  );
}

/** With a scheme, with `www.`, or a host followed by a path (`s.mj.run/…`, as Midjourney shortens them): the whole word. */
const ADDRESS = /\S*:\/\/\S*|\bwww\.\S*|\S*\b[a-z\d-]+\.[a-z]{2,}\/\S*/giu;

/** A run of dashes, with what stands directly on either side: U+2212 is the minus sign. */
const DASHES = /(?<=([\p{L}\p{N}]?))[\p{Pd}\u2212]+(?=([\p{L}\p{N}]?))/gu;

/** One that joins words or numbers: hyphens, figure dash, en dash, minus. An em dash is what telephones make of `--`. */
const JOINING = /^[-\u2010-\u2013\u2212]$/;
