/** @module The text of a prompt: filling a template, limits, the adult age that a template states, and the hash that stands for it. */
import { statesAdultAge } from "./age.ts";
import { PROMPT_CHARACTERS_MAX, type Template } from "./catalogue.ts";
import { AtelierError } from "./errors.ts";
import { keyedHash } from "./ids.ts";
import type { PromptText } from "./ports.ts";

const PLACE = /\{([^{}]*)\}/g;

/** The names between braces, in order, each once. */
export function placesOf(text: string): string[] {
  return [...new Set([...text.matchAll(PLACE)].map((match) => match[1] ?? ""))];
}

/**
 * The template's prompt with its places filled. Values are put in once and are not looked through for places again.
 *
 * @throws AtelierError `CatalogueInvalid` when a place has no value (the loader refuses such templates)
 */
export function filledPrompt(template: Template, slots: Readonly<Record<string, string>>): PromptText {
  const prompt = template.prompt.replace(PLACE, (place, name: string) => {
    const value = slots[name];
    if (value === undefined) {
      throw new AtelierError(
        "CatalogueInvalid",
        `Template ${template.name} has the place ${place} without a slot; add the slot or remove the place.`,
      );
    }
    return value;
  });
  return { prompt: tidied(prompt), negativePrompt: tidied(template.negativePrompt) };
}

/**
 * A text from a person, trimmed and checked; otherwise as it was written.
 *
 * @throws AtelierError `UsageError` when the prompt shows no character, or either text is too long or not well-formed Unicode;
 *   the message does not repeat the text
 */
export function checkedPrompt(text: PromptText): PromptText {
  const checked = { prompt: text.prompt.trim(), negativePrompt: text.negativePrompt.trim() };
  if (!VISIBLE.test(checked.prompt)) {
    throw new AtelierError("UsageError", "The prompt is empty; write what the picture shows.");
  }
  for (const [name, value] of [
    ["prompt", checked.prompt],
    ["negative prompt", checked.negativePrompt],
  ] as const) {
    const characters = charactersOf(value);
    if (characters > PROMPT_CHARACTERS_MAX) {
      throw new AtelierError(
        "UsageError",
        `The ${name} has ${characters} characters, but at most ${PROMPT_CHARACTERS_MAX} are taken; shorten it.`,
      );
    }
    if (!value.isWellFormed()) {
      throw new AtelierError(
        "UsageError",
        `The ${name} is not well-formed Unicode; write it again as UTF-8.`,
      );
    }
  }
  return checked;
}

/** Neither control nor blank nor zero-width; U+2800 is the empty Braille cell. */
const VISIBLE = /[^\p{Cc}\p{Cf}\p{Z}\p{M}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** Unicode code points, which is what a person counts as characters far sooner than UTF-16 units. */
export function charactersOf(text: string): number {
  return [...text].length;
}

/** Stands for a prompt wherever the text itself may not be. */
export function promptHashOf(text: PromptText, key: Uint8Array): string {
  return keyedHash(JSON.stringify([text.prompt, text.negativePrompt]), key);
}

/** Stands where a slot will be, when a template is looked at without its values. Glued to digits it spoils them. */
const ANY_VALUE = "anyvalue";

/**
 * Whether a template states an adult age whatever values are chosen: either its own text does, or one slot does with
 * each of its values. Sound without trying the combinations, because the other places hold a word that is no age.
 */
export function alwaysStatesAdultAge(template: Pick<Template, "prompt" | "slots">): boolean {
  if (statesAdultAge(promptWithOnly(template.prompt, null, ""))) return true;
  return Object.entries(template.slots).some(([name, values]) =>
    values.every((value) => statesAdultAge(promptWithOnly(template.prompt, name, value.text))),
  );
}

/** The prompt with one slot filled and a neutral word in the other places; null fills none. */
export function promptWithOnly(prompt: string, slot: string | null, value: string): string {
  return prompt.replace(PLACE, (_, name: string) => (name === slot ? value : ANY_VALUE));
}

function tidied(text: string): string {
  return text.replace(/\s+/gu, " ").trim();
}
