/** @module Words that are found again when somebody holds a letter down: "chiild" is "child", but "ten" is not "teen". */

/** The text with every run of a letter as one letter. */
export function squeezed(text: string): string {
  return text.replace(/(.)\1+/gu, "$1");
}

/** Whether `text` is `word` with some of its letters repeated more often. */
export function isStretchOf(text: string, word: string): boolean {
  let at = 0;
  for (let letter = 0; letter < word.length; ) {
    const character = word[letter];
    const runEnd = endOfRun(word, letter);
    const textEnd = endOfRun(text, at);
    if (text[at] !== character || textEnd - at < runEnd - letter) return false;
    letter = runEnd;
    at = textEnd;
  }
  return at === text.length;
}

function endOfRun(text: string, start: number): number {
  let end = start + 1;
  while (end < text.length && text[end] === text[start]) end++;
  return end;
}

export interface StretchedWords<T> {
  add(word: string, value: T): void;
  /** Each entry of which `text` is a stretch; `key` is `squeezed(text)`, for callers that have it. */
  find(text: string, key?: string): readonly { readonly word: string; readonly value: T }[];
}

export function createStretchedWords<T>(): StretchedWords<T> {
  const byKey = new Map<string, { word: string; value: T }[]>();
  return {
    add(word, value) {
      const key = squeezed(word);
      const entries = byKey.get(key);
      if (entries) entries.push({ word, value });
      else byKey.set(key, [{ word, value }]);
    },
    find(text, key = squeezed(text)) {
      return byKey.get(key)?.filter(({ word }) => word === text || isStretchOf(text, word)) ?? NONE;
    },
  };
}

const NONE: readonly never[] = [];
