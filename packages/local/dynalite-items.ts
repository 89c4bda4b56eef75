/**
 * @module Whole items by their keys, handed on as the text that stands in the store. dynalite reads each into objects, sizes it and
 * writes it again, which was a third of its thread's work.
 */
import { createRequire } from "node:module";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";

/** What is used of a `Level` database. */
export interface ItemStore {
  getSync(key: string, options: { readonly valueEncoding: "utf8" }): string | undefined;
}

/** What is used of dynalite 4.0.0. */
interface Keys {
  /** @returns the refusal of a key that is not one of the table */
  validateKey(key: ItemKey, table: unknown): Error | null | undefined;
  createKey(key: ItemKey, table: unknown): string;
}
type ItemKey = Readonly<Record<string, AttributeValue>>;

const keys: Keys = createRequire(import.meta.url)("dynalite/db/index.js");

/** What an answer leaves out is named in it, as DynamoDB does beyond 16 MB. */
const ANSWER_CHARACTERS_MAX = 4_000_000;

/**
 * @param input as dynalite has validated it
 * @returns the answer's JSON; undefined for anything but a read of whole items of that table, which is dynalite's to answer
 * @throws the refusal that DynamoDB would answer
 */
export function wholeItems(
  operation: string,
  input: object,
  { db, table }: { readonly db: ItemStore; readonly table: { readonly TableName: string } },
): string | undefined {
  const { TableName: name } = table;

  function textOf(key: ItemKey): string | undefined {
    const refusal = keys.validateKey(key, table);
    if (refusal) throw refusal;
    return db.getSync(`item-${name}~${keys.createKey(key, table)}`, { valueEncoding: "utf8" });
  }

  if (operation === "GetItem" && isGet(input) && input.TableName === name) {
    const text = textOf(input.Key);
    return text === undefined ? "{}" : `{"Item":${text}}`;
  }
  if (operation === "BatchGetItem" && isBatch(input, name)) {
    const texts: string[] = [];
    const left: ItemKey[] = [];
    let characters = 0;
    const { Keys: asked, ...how } = input.RequestItems[name] as BatchedKeys;
    for (const key of asked) {
      const text = textOf(key);
      if (text === undefined) continue;
      characters += text.length;
      if (characters > ANSWER_CHARACTERS_MAX && texts.length > 0) left.push(key);
      else texts.push(text);
    }
    const unprocessed = left.length > 0 ? { [name]: { Keys: left, ...how } } : {};
    const responses = `{${JSON.stringify(name)}:[${texts.join()}]}`;
    return `{"Responses":${responses},"UnprocessedKeys":${JSON.stringify(unprocessed)}}`;
  }
  return undefined;
}

interface Get {
  readonly TableName: string;
  readonly Key: ItemKey;
}

function isGet(input: object): input is Get {
  return hasOnly(input, ["TableName", "Key", "ConsistentRead"]);
}

interface BatchedKeys {
  readonly Keys: readonly ItemKey[];
}
interface Batch {
  readonly RequestItems: Readonly<Record<string, BatchedKeys>>;
}

function isBatch(input: object, table: string): input is Batch {
  if (!hasOnly(input, ["RequestItems"])) return false;
  const requested = (input as Batch).RequestItems;
  const asked = requested[table];
  return asked !== undefined && hasOnly(requested, [table]) && hasOnly(asked, ["Keys", "ConsistentRead"]);
}

/** Projections, capacities and whatever else is asked for come in further places. */
function hasOnly(input: object, names: readonly string[]): boolean {
  return Object.keys(input).every((name) => names.includes(name));
}
