/**
 * @module What images are found by: an entry for each term of each image, in a partition of its category and term, ordered by
 * position. Entries are written before the image says what they say and removed after it says so no more, so none is ever
 * missing; what a record does not bear out is passed over.
 */
import type { CategoryName } from "@atelier/core/catalogue";
import type { Image } from "@atelier/core/image";
import type { ImageFilter } from "@atelier/core/ports";
import { hashedSlotWords, hashedWord, openWordsOf, searchWords, wordsOf } from "@atelier/core/words";
import { imageTerm, type Key, positionOf } from "./keys.ts";

/** An image has the term of each step that its quality reaches. Most pictures lie above 50. */
const QUALITY_STEPS = [50, 70, 80, 85, 90, 95];

/** More words make a search narrower, not quicker: these are looked up, the rest is checked on the records. */
const WORDS_LOOKED_UP_MAX = 3;

/** `key` hashes the words of prompts; without it only what images say openly is indexed and found. */
export interface WordKey {
  readonly wordKey?: Uint8Array;
}

export function positionOfImage({ createdAtMs, imageId }: Pick<Image, "imageId" | "createdAtMs">): string {
  return positionOf(createdAtMs, imageId);
}

export function entriesOf(image: Image, key: WordKey): Key[] {
  const sk = positionOfImage(image);
  return termsOf(image, key).map((term) => ({ pk: imageTerm(image.category, term), sk }));
}

function termsOf(image: Image, key: WordKey): string[] {
  const { template, rating, quality, askedBy } = image;
  return [
    term.rating(rating),
    term.askedBy(askedBy),
    ...(template === null ? [] : [term.template(template)]),
    ...QUALITY_STEPS.filter((step) => quality !== null && quality >= step).map(term.quality),
    ...openWordsOf(image).map(term.word),
    ...hashesOf(image, key).map(term.hash),
  ];
}

const term = {
  rating: (rating: string) => `rating:${rating}`,
  askedBy: (caller: string | null) => `by:${caller ?? ""}`,
  template: (name: string) => `template:${name}`,
  quality: (step: number) => `quality:${step}`,
  word: (word: string) => `word:${word}`,
  hash: (hash: string) => `hash:${hash}`,
};

function hashesOf(image: Image, { wordKey }: WordKey): readonly string[] {
  // The first release wrote the slots out.
  return Object.keys(image.slots).length > 0 && wordKey ? hashedSlotWords(image, wordKey) : image.words;
}

/** Groups of partitions: an image that the filter wants has an entry in one partition of each. */
export function termGroups(
  filter: ImageFilter,
  categories: readonly CategoryName[],
  { wordKey }: WordKey,
): string[][] {
  const { rating, qualityAtLeast = 0, template, tag, text, visibleTo } = filter;
  const step = QUALITY_STEPS.filter((candidate) => candidate <= qualityAtLeast).at(-1);
  const alternatives: string[][] = [
    ...(rating === undefined ? [] : [[term.rating(rating)]]),
    ...(step === undefined ? [] : [[term.quality(step)]]),
    ...(template === undefined ? [] : [[term.template(template)]]),
    ...(visibleTo === undefined ? [] : [[term.askedBy(null), term.askedBy(visibleTo)]]),
    // A tag's words stand openly, like the tag.
    ...longest(tag).map((word) => [term.word(word)]),
    ...longest(text).map((word) => [
      term.word(word),
      ...(wordKey ? [term.hash(hashedWord(word, wordKey))] : []),
    ]),
  ];
  return alternatives.map((terms) =>
    categories.flatMap((category) => terms.map((name) => imageTerm(category, name))),
  );
}

/** Long words are rare ones, more often than not. */
function longest(text = ""): string[] {
  return wordsOf(text)
    .sort((one, other) => other.length - one.length)
    .slice(0, WORDS_LOOKED_UP_MAX);
}

/** What the record itself says. */
export function matcherOf(filter: ImageFilter, key: WordKey): (image: Image) => boolean {
  const { sinceMs = 0, untilMs = Number.POSITIVE_INFINITY, qualityAtLeast } = filter;
  const wanted = (filter.text === undefined ? [] : searchWords(filter.text)).map((word) => ({
    word,
    hash: key.wordKey && hashedWord(word, key.wordKey),
  }));
  const same = <T>(asked: T | undefined, said: T) => asked === undefined || asked === said;
  return (image) =>
    same(filter.category, image.category) &&
    same(filter.status, image.status) &&
    same(filter.rating, image.rating) &&
    same<string | null>(filter.template, image.template) &&
    same(filter.requestId, image.requestId) &&
    (filter.tag === undefined || image.tags.includes(filter.tag)) &&
    (filter.visibleTo === undefined || image.askedBy === null || image.askedBy === filter.visibleTo) &&
    (qualityAtLeast === undefined || (image.quality !== null && image.quality >= qualityAtLeast)) &&
    image.createdAtMs >= sinceMs &&
    image.createdAtMs < untilMs &&
    (wanted.length === 0 || hasWords(image, wanted, key));
}

function hasWords(
  image: Image,
  wanted: readonly { readonly word: string; readonly hash: string | undefined }[],
  key: WordKey,
): boolean {
  const open = new Set(openWordsOf(image));
  const hashes = new Set(hashesOf(image, key));
  return wanted.every(({ word, hash }) => open.has(word) || (hash !== undefined && hashes.has(hash)));
}
