/**
 * @module Words to find images by: a text folded into words, the words of an image, and the keyed hashes that stand for those
 * of a prompt. What a template's slots were given is part of a prompt, so no word of it is stored as it is.
 */
import { AtelierError } from "./errors.ts";
import { keyedHash } from "./ids.ts";
import type { Image } from "./image.ts";

/** Too common to tell images apart; each would be one more entry for nearly every image. */
const STOP_WORDS: ReadonlySet<string> = new Set(
  "an and are as at by for from in into is of on or out over the through to under up with".split(" "),
);

/** 48 bits: of the few thousand words that templates use, no two are alike by chance. */
const HASH_CHARACTERS = 12;

/**
 * The words of a text, each once, in order: without case and accents, parted by whatever is neither letter nor digit, so also by
 * `_` and `-`. Single Latin letters and digits, and words such as "the", are no words.
 */
export function wordsOf(text: string): string[] {
  const plain = text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().normalize("NFKC");
  const words = plain.match(/[\p{L}\p{N}]+/gu) ?? [];
  return [...new Set(words)].filter((word) => !/^[a-z0-9]$/.test(word) && !STOP_WORDS.has(word));
}

/**
 * The words that somebody searches by.
 *
 * @throws AtelierError `UsageError` for a text without any: as a filter it would let everything through
 */
export function searchWords(text: string): string[] {
  const words = wordsOf(text);
  if (words.length > 0) return words;
  throw new AtelierError(
    "UsageError",
    `The text "${text}" has no word to search by; give one of two letters or more that is not as common as "the".`,
  );
}

/** Stands for a word of a prompt; `key` is the installation's own for prompts. */
export function hashedWord(word: string, key: Uint8Array): string {
  return keyedHash(`word\n${word}`, key).slice(0, HASH_CHARACTERS);
}

/** What an image may be found by and says openly: the words of its template's name and of its tags. */
export function openWordsOf({ template, tags }: Pick<Image, "template" | "tags">): string[] {
  return wordsOf([template ?? "", ...tags].join(" "));
}

/**
 * Hashes of the words that slots were given, for `Image.words`; those that the template's name or a tag says openly are left out.
 *
 * @param slots of a template, never of a free prompt
 */
export function hashedSlotWords(
  image: Pick<Image, "template" | "tags"> & { readonly slots: Readonly<Record<string, string>> },
  key: Uint8Array,
): string[] {
  const open = new Set(openWordsOf(image));
  return wordsOf(Object.values(image.slots).join(" "))
    .filter((word) => !open.has(word))
    .map((word) => hashedWord(word, key));
}
