/** @module Reads `custom --prompts`: JSON lines, each a prompt with what it changes of the command's own options. */
import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { CATEGORY_NAMES, type Parameters } from "@atelier/core/catalogue";
import { AtelierError, isAtelierError } from "@atelier/core/errors";
import { derivedSeed } from "@atelier/core/ids";
import { checkedPrompt } from "@atelier/core/prompt";
import type { CustomPrompt } from "@atelier/local/facade";
import type { CommandLineIo } from "./io.ts";
import { oneOf, pictureParameter, SEED_MAX, usageError } from "./options.ts";

const KEYS = ["prompt", "negative_prompt", "category", "parameters"];
const PARAMETER_KEYS: Readonly<Record<string, keyof Parameters | "seed">> = {
  width: "width",
  height: "height",
  steps: "steps",
  guidance_scale: "guidanceScale",
  seed: "seed",
};
const EXAMPLE = `{"prompt": "…", "category": "custom", "parameters": {"width": 512}}`;

/** Far beyond what a person writes; a whole file is held in memory. */
const FILE_MEBIBYTES_MAX = 16;
const LINES_MAX = 10_000;
const LINE_BREAK = 0x0a;

/** What the command's own options say for every line that says nothing else. */
export type PromptDefaults = Omit<CustomPrompt, "prompt">;

export interface ReadPrompts {
  readonly prompts: readonly CustomPrompt[];
  /** Where each prompt stands in its file, from 1; none for prompts of no file. */
  readonly lines: readonly number[];
}

/**
 * Reads no further than 16 MiB and 10,000 lines.
 *
 * @param file a path, or `-` for standard input
 * @throws AtelierError `UsageError` naming file and line; nothing of the file is used then. Messages never repeat a prompt
 */
export async function readPrompts(
  file: string,
  defaults: PromptDefaults,
  io: Pick<CommandLineIo, "stdin" | "workingFolder">,
): Promise<ReadPrompts> {
  const name = file === "-" ? "standard input" : file;
  const text =
    file === "-" ? await textOf(io.stdin, name) : await textOfFile(resolve(io.workingFolder, file), file);
  const prompts: CustomPrompt[] = [];
  const lines: number[] = [];
  text.split("\n").forEach((line, index) => {
    if (line.trim() === "") return;
    if (index >= LINES_MAX) throw tooLong(name);
    prompts.push(promptOf(line, `Line ${index + 1} of ${name}`, prompts.length, defaults));
    lines.push(index + 1);
  });
  if (prompts.length === 0) {
    throw usageError(`There is no prompt in ${name}; write one JSON object a line, such as ${EXAMPLE}.`);
  }
  return { prompts, lines };
}

function promptOf(line: string, where: string, index: number, defaults: PromptDefaults): CustomPrompt {
  const { prompt, negative_prompt: negative, category, parameters = {} } = recordOf(line, where);
  if (typeof prompt !== "string") throw usageError(`${where} has no text under "prompt"; add one.`);
  if (negative !== undefined && typeof negative !== "string") {
    throw usageError(`${where} has something else than a text under "negative_prompt"; write it in quotes.`);
  }
  const { seed, ...changed } = parametersOf(parameters, where);
  return {
    ...located(where, () => checkedPrompt({ prompt, negativePrompt: negative ?? defaults.negativePrompt })),
    category:
      category === undefined
        ? defaults.category
        : located(where, () => oneOf("category", String(category), CATEGORY_NAMES)),
    parameters: { ...defaults.parameters, ...changed },
    model: defaults.model,
    seed: seed ?? seedAt(defaults.seed, index),
  };
}

/** The command's seed is the first prompt's; the others derive their own, so that no two pictures share one. */
function seedAt(seed: number | null, index: number): number | null {
  return seed === null || index === 0 ? seed : derivedSeed(seed, index);
}

function recordOf(line: string, where: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // The engine's own message quotes the line, which may be a prompt.
    throw usageError(`${where} is not JSON; write an object such as ${EXAMPLE}.`);
  }
  if (!isRecord(value)) throw usageError(`${where} is not an object; write one such as ${EXAMPLE}.`);
  knownKeys(value, KEYS, where);
  return value;
}

function parametersOf(value: unknown, where: string): Partial<Parameters> & { seed?: number } {
  if (!isRecord(value)) {
    throw usageError(`${where} has something else than an object under "parameters"; write {"width": 512}.`);
  }
  knownKeys(value, Object.keys(PARAMETER_KEYS), `"parameters" in ${where.toLowerCase()}`);
  const parameters: Partial<Record<keyof Parameters | "seed", number>> = {};
  for (const [key, given] of Object.entries(value)) {
    const name = PARAMETER_KEYS[key];
    if (name === undefined) continue;
    const place = `"${key}" in ${where.toLowerCase()}`;
    parameters[name] = name === "seed" ? seedOf(place, given) : pictureParameter(place, given, name);
  }
  return parameters;
}

function seedOf(where: string, value: unknown): number {
  if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= SEED_MAX) return Number(value);
  throw usageError(`${where} is ${JSON.stringify(value)}, but must be a whole number from 1 to ${SEED_MAX}.`);
}

function knownKeys(record: Record<string, unknown>, known: readonly string[], where: string): void {
  const unknown = Object.keys(record).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  throw usageError(`${where} has the unknown key "${unknown}"; known are ${known.join(", ")}.`);
}

/** Says where the fault lies, for checks that do not know it. */
function located<T>(where: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!isAtelierError(error)) throw error;
    throw new AtelierError(error.name, `${where}: ${error.message}`, { cause: error, data: error.data });
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

async function textOfFile(path: string, name: string): Promise<string> {
  try {
    return await textOf(createReadStream(path), name);
  } catch (error) {
    if (isAtelierError(error)) throw error;
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    throw usageError(`--prompts ${name} cannot be read (${code}); give a file of JSON lines.`);
  }
}

async function textOf(stream: AsyncIterable<Uint8Array | string>, name: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let lineBreaks = 0;
  for await (const given of stream) {
    const chunk = Buffer.from(given);
    bytes += chunk.length;
    for (let at = chunk.indexOf(LINE_BREAK); at !== -1; at = chunk.indexOf(LINE_BREAK, at + 1)) lineBreaks++;
    // While reading: a device or a pipe may have no end.
    if (bytes > FILE_MEBIBYTES_MAX * 1024 * 1024) {
      throw usageError(
        `There are more than ${FILE_MEBIBYTES_MAX} MiB in ${name}; divide it into several files.`,
      );
    }
    if (lineBreaks > LINES_MAX) throw tooLong(name);
    chunks.push(chunk);
  }
  return decoded(Buffer.concat(chunks));
}

function tooLong(name: string): AtelierError {
  return usageError(
    `There are more than ${LINES_MAX.toLocaleString("en-US")} lines in ${name}; divide it into several files.`,
  );
}

/** UTF-8, without the byte order mark that some editors write. */
function decoded(bytes: Uint8Array): string {
  return new TextDecoder("utf-8").decode(bytes);
}
