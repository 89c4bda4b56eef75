/**
 * @module Texts that were opened a moment ago: opening one takes two milliseconds of processor time, and a client that follows its
 * images asks for the same prompts again and again. What is kept is reached by the whole ciphertext alone: an erased or altered
 * text is not. On AWS nothing is kept: there every opening is a line in the log of the key.
 */
import type { TextAbout, TextVault } from "@atelier/core/ports";

/** Of ciphertexts, which are longer than what they hold: a thousand prompts. */
const CHARACTERS_MAX = 2_000_000;

export function withOpenedTexts(vault: TextVault, charactersMax = CHARACTERS_MAX): TextVault {
  /** The least recently asked for first. */
  const opened = new Map<string, Promise<string>>();
  let characters = 0;

  function forget(key: string, text: Promise<string>): void {
    if (opened.get(key) !== text) return;
    opened.delete(key);
    characters -= key.length;
  }

  function keep(key: string, text: Promise<string>): void {
    opened.set(key, text);
    characters += key.length;
    text.catch(() => forget(key, text));
    for (const [oldest, its] of opened) {
      if (characters <= charactersMax) break;
      forget(oldest, its);
    }
  }

  return {
    ...vault,
    open(about, sealed) {
      const key = keyOf(about, sealed);
      const known = opened.get(key);
      if (known) forget(key, known);
      const text = known ?? vault.open(about, sealed);
      keep(key, text);
      return text;
    },
  };
}

function keyOf({ purpose, subject }: TextAbout, sealed: string): string {
  return JSON.stringify([purpose, subject, sealed]);
}
