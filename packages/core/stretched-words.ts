/** @module Words that are found again when somebody holds a letter down: "chiild" is "child", but "ten" is not "teen". */

/** The text with every run of a letter as one letter. */
export function squeezed(text: string): string {
  return appendedSqueezed("", text);
}

/** `squeezed(a + b)` from `squeezed(a)` and b. */
export function appendedSqueezed(key: string, text: string): string {
  let result = key;
  let from = 0;
  // Most words repeat nothing: they are appended whole.
  for (let at = 0; at < text.length; at++) {
    const before = at === 0 ? key.at(-1) : text[at - 1];
    if (text[at] !== before) continue;
    result += text.slice(from, at);
    from = at + 1;
  }
  return result + text.slice(from);
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
  /** Each entry of which `text` is a stretch; `key` is `squeezed(text)`. */
  find(text: string, key: string): readonly { readonly word: string; readonly value: T }[];
  /** The entries of a key, whatever was repeated. */
  withKey(key: string): readonly { readonly word: string; readonly value: T }[];
  /** Whether some entry may begin with a text of this key: where not, reading on is of no use. */
  mayBegin(key: string): boolean;
}

export function createStretchedWords<T>(): StretchedWords<T> {
  const byKey = new Map<string, { word: string; value: T }[]>();
  const beginnings = new Set<string>();
  return {
    add(word, value) {
      const key = squeezed(word);
      const entries = byKey.get(key);
      if (entries) entries.push({ word, value });
      else byKey.set(key, [{ word, value }]);
      for (let length = 1; length <= key.length; length++) beginnings.add(key.slice(0, length));
    },
    find(text, key) {
      return byKey.get(key)?.filter(({ word }) => word === text || isStretchOf(text, word)) ?? NONE;
    },
    withKey(key) {
      return byKey.get(key) ?? NONE;
    },
    mayBegin(key) {
      return beginnings.has(key);
    },
  };
}

const NONE: readonly never[] = [];
