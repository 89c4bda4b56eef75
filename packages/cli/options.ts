/** @module Values of options: each parser answers the value or throws an error with one sentence (exit 2). */
import { type Parameters, parametersSchema } from "@atelier/core/catalogue";
import { unknownName } from "@atelier/core/closest";
import { AtelierError } from "@atelier/core/errors";

/** The largest seed that every model takes; see `derivedSeed`. */
export const SEED_MAX = 2_147_483_646;
export const VARIATIONS_MAX = 1_000;
export const LIST_LIMIT_MAX = 10_000;
export const LIST_LIMIT_DEFAULT = 50;

/** A whole number from `min` to `max`, in plain digits. */
export function wholeNumber(where: string, text: string, min: number, max: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw usageError(`${where} is "${text}", but must be a whole number from ${min} to ${max}.`);
}

/** yyyy-mm-dd, a day that exists. */
export function calendarDate(where: string, text: string): string {
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  // Some parsers take February 30 for March 1.
  if (!Number.isNaN(time) && new Date(time).toISOString().startsWith(text)) return text;
  throw usageError(`${where} is "${text}", but must be a day of the calendar such as 2026-11-22.`);
}

/**
 * One of the names that exist.
 *
 * @param kind a noun for the message ("category")
 * @throws AtelierError `UnknownName` with the nearest name and the list
 */
export function oneOf<Name extends string>(kind: string, text: string, names: readonly Name[]): Name {
  const found = names.find((name) => name === text);
  if (found === undefined) throw unknownName(kind, text, names);
  return found;
}

/** One of the picture's parameters, within the range of the catalogue's schema. */
export function pictureParameter(where: string, value: unknown, name: keyof Parameters): number {
  const result = parametersSchema.shape[name].safeParse(value);
  if (result.success) return result.data;
  const shown = typeof value === "string" ? value : JSON.stringify(value);
  throw usageError(`${where} is "${shown}", but must be ${PARAMETER_KINDS[name]} ${rangeOf(name)}.`);
}

/** As `pictureParameter`, from the text of an option. */
export function pictureParameterText(where: string, text: string, name: keyof Parameters): number {
  return pictureParameter(where, /^\d+(\.\d+)?$/.test(text) ? Number(text) : text, name);
}

/** "from 64 to 2048" */
export function rangeOf(name: keyof Parameters): string {
  const { minValue, maxValue } = parametersSchema.shape[name];
  return `from ${minValue} to ${maxValue}`;
}

export function usageError(message: string): AtelierError {
  return new AtelierError("UsageError", message);
}

const PARAMETER_KINDS: Record<keyof Parameters, string> = {
  width: "a multiple of 8",
  height: "a multiple of 8",
  steps: "a whole number",
  guidanceScale: "a number",
};
