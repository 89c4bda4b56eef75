/**
 * @module DynamoDB in memory, for simulations of thousands of images: one table with its indexes, consistent reads, each call
 * one step, and the capacity that AWS would bill for it. It passes the contract of the table (`table-engine.test.ts`); the
 * stores above it are the product's own.
 */
import { INDEXES, type IndexName } from "@atelier/aws/dynamo/keys";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { type Attributes, holds, type Placeholders, updated } from "./table-expressions.ts";
import { bytesOf } from "./table-sizes.ts";

/** One call as it is on the wire: `PutItem`, and its parameters. */
export type Command = (name: string, input: CommandInput) => Readonly<Record<string, unknown>>;

/** The parameters of all commands together; each has some of them. */
export interface CommandInput {
  readonly Key?: Attributes;
  readonly Item?: Attributes;
  readonly ConditionExpression?: string;
  readonly UpdateExpression?: string;
  readonly KeyConditionExpression?: string;
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues?: Attributes;
  readonly RequestItems?: Readonly<
    Record<string, { readonly Keys?: readonly Attributes[] } | readonly BatchWrite[]>
  >;
  readonly IndexName?: string;
  readonly Limit?: number;
  readonly ExclusiveStartKey?: Attributes;
  readonly ScanIndexForward?: boolean;
  readonly Select?: string;
}
interface BatchWrite {
  readonly PutRequest?: { readonly Item: Attributes };
  readonly DeleteRequest?: { readonly Key: Attributes };
}

/** What a call costs: 1 KB written, or 4 KB read consistently (half of it from an index), is a unit. */
export interface Billed {
  readonly command: string;
  /** The kind of item: the first piece of its key. */
  readonly kind: string;
  readonly writeUnits: number;
  readonly readUnits: number;
}

export class ConditionFailed extends Error {}

interface Entry {
  readonly position: string;
  readonly item: Attributes;
}

/** Entries by position; those of one hash of the table or of an index. */
type Partition = Entry[];

const ITEM_BYTES_MAX = 400 * 1024;
const ANSWER_BYTES_MAX = 1024 * 1024;

/** @param billed told of every call that was carried out, and of conditions that failed, which are billed as well */
export function createTableEngine(billed: (call: Billed) => void = () => undefined): Command {
  const table = new Map<string, Map<string, Attributes>>();
  const sorted = new Map<string, Partition>();
  const indexes: Readonly<Record<IndexName, Map<string, Partition>>> = {
    timeline: new Map(),
    state: new Map(),
  };

  const find = (key: Attributes): Attributes | undefined => table.get(text(key.pk))?.get(text(key.sk));

  /** @returns the units that the write costs */
  function store(item: Attributes): number {
    const [pk, sk] = [text(item.pk), text(item.sk)];
    const bytes = bytesOf(item);
    if (bytes > ITEM_BYTES_MAX) throw invalid("Item size has exceeded the maximum allowed size");
    const hash = table.get(pk) ?? new Map<string, Attributes>();
    if (!table.has(pk)) table.set(pk, hash);
    const before = hash.get(sk);
    hash.set(sk, item);
    replaced(partitionOf(sorted, pk), before && { position: sk, item: before }, { position: sk, item });
    let units = Math.max(unitsOf(bytes, 1_024), before ? unitsOf(bytesOf(before), 1_024) : 0);
    for (const [name, partitions] of Object.entries(indexes))
      units += reindexed(name as IndexName, partitions, before, item);
    return units;
  }

  /** @returns the units that it costs */
  function removed(item: Attributes): number {
    const [pk, sk] = [text(item.pk), text(item.sk)];
    table.get(pk)?.delete(sk);
    replaced(partitionOf(sorted, pk), { position: sk, item }, undefined);
    let units = unitsOf(bytesOf(item), 1_024);
    for (const [name, partitions] of Object.entries(indexes)) {
      units += reindexed(name as IndexName, partitions, item, undefined);
    }
    return units;
  }

  /** An entry has keys alone: it is written anew only when they change, and costs a unit for what goes and one for what comes. */
  function reindexed(
    name: IndexName,
    partitions: Map<string, Partition>,
    before: Attributes | undefined,
    after: Attributes | undefined,
  ): number {
    const [was, is] = [placeIn(name, before), placeIn(name, after)];
    if (was?.hash === is?.hash && was?.position === is?.position) {
      if (is && after)
        replaced(
          partitionOf(partitions, is.hash),
          { position: is.position, item: after },
          { position: is.position, item: after },
        );
      return 0;
    }
    if (was && before)
      replaced(partitionOf(partitions, was.hash), { position: was.position, item: before }, undefined);
    if (is && after)
      replaced(partitionOf(partitions, is.hash), undefined, { position: is.position, item: after });
    return (was ? 1 : 0) + (is ? 1 : 0);
  }

  function query(input: CommandInput) {
    const { index, hash, first, last } = rangeOf(input);
    const partition = (index === undefined ? sorted : indexes[index]).get(hash) ?? [];
    const start = input.ExclusiveStartKey;
    const startAt = start && (index === undefined ? text(start.sk) : placeIn(index, start)?.position);
    const backwards = input.ScanIndexForward === false;
    const found: Attributes[] = [];
    let bytes = 0;
    let isCut = false;
    const [from, to] = [
      lowerBound(partition, first),
      upperBound(partition, index === undefined ? last : `${last}\u0001`),
    ];
    for (let step = 0; step < to - from; step++) {
      const entry = partition[backwards ? to - 1 - step : from + step];
      if (!entry) break;
      if (startAt !== undefined && (backwards ? entry.position >= startAt : entry.position <= startAt))
        continue;
      if (found.length === input.Limit || bytes > ANSWER_BYTES_MAX) {
        isCut = true;
        break;
      }
      const item = index === undefined ? entry.item : keysOf(entry.item, index);
      found.push(item);
      bytes += bytesOf(item);
    }
    // DynamoDB names a next page whenever it stopped at the limit, even if nothing follows.
    const lastFound = found.at(-1);
    const next = lastFound && (isCut || found.length === input.Limit) ? keysOf(lastFound, index) : undefined;
    const units = Math.max(1, unitsOf(bytes, 4_096)) / (index === undefined ? 1 : 2);
    billed({ command: "Query", kind: kindOf(hash), writeUnits: 0, readUnits: units });
    return {
      Count: found.length,
      ...(input.Select !== "COUNT" && { Items: found }),
      ...(next && { LastEvaluatedKey: next }),
    };
  }

  function write(command: string, item: Attributes): void {
    checkKeys(item);
    const writeUnits = store(item);
    billed({ command, kind: kindOf(text(item.pk), text(item.sk)), writeUnits, readUnits: 0 });
  }

  function erase(command: string, key: Attributes): Attributes | undefined {
    const before = find(key);
    const writeUnits = before ? removed(before) : 1;
    billed({ command, kind: kindOf(text(key.pk), text(key.sk)), writeUnits, readUnits: 0 });
    return before;
  }

  function checked(command: string, key: Attributes, input: CommandInput): Attributes | undefined {
    const before = find(key);
    if (holds(input.ConditionExpression, before, givenIn(input))) return before;
    const writeUnits = before ? unitsOf(bytesOf(before), 1_024) : 1;
    billed({ command, kind: kindOf(text(key.pk), text(key.sk)), writeUnits, readUnits: 0 });
    throw new ConditionFailed("The conditional request failed");
  }

  function read(command: string, key: Attributes): Attributes | undefined {
    const item = find(key);
    const readUnits = Math.max(1, unitsOf(item ? bytesOf(item) : 0, 4_096));
    billed({ command, kind: kindOf(text(key.pk), text(key.sk)), writeUnits: 0, readUnits });
    return item;
  }

  return (name, input) => {
    switch (name) {
      case "GetItem": {
        const item = read(name, given(input.Key));
        return item ? { Item: item } : {};
      }
      case "BatchGetItem": {
        const responses = Object.entries(input.RequestItems ?? {}).map(([tableName, request]) => {
          const keys: readonly Attributes[] = "Keys" in request ? (request.Keys ?? []) : [];
          const found = keys.map((key) => read(name, key)).filter((item) => item !== undefined);
          return [tableName, found] as const;
        });
        return { Responses: Object.fromEntries(responses), UnprocessedKeys: {} };
      }
      case "PutItem": {
        const item = given(input.Item);
        checked(name, item, input);
        write(name, item);
        return {};
      }
      case "BatchWriteItem": {
        for (const request of Object.values(input.RequestItems ?? {})) {
          if (!Array.isArray(request)) continue;
          for (const { PutRequest, DeleteRequest } of request as readonly BatchWrite[]) {
            if (DeleteRequest) erase(name, DeleteRequest.Key);
            else write(name, given(PutRequest?.Item));
          }
        }
        return { UnprocessedItems: {} };
      }
      case "UpdateItem": {
        const key = given(input.Key);
        const before = checked(name, key, input);
        const after = updated(input.UpdateExpression, before ?? key, givenIn(input));
        write(name, after);
        return { Attributes: after };
      }
      case "DeleteItem": {
        const before = erase(name, given(input.Key));
        return before ? { Attributes: before } : {};
      }
      case "Query":
        return query(input);
      default:
        throw new Error(`There is no command ${name} here.`);
    }
  };
}

function givenIn(input: CommandInput): Placeholders {
  return { names: input.ExpressionAttributeNames ?? {}, values: input.ExpressionAttributeValues ?? {} };
}

function rangeOf(input: CommandInput) {
  const { names, values } = givenIn(input);
  const match = /^(#\w+) = (:\w+) AND (#\w+) BETWEEN (:\w+) AND (:\w+)$/.exec(
    input.KeyConditionExpression ?? "",
  );
  const [, hashName = "", hash = "", rangeName = "", first = "", last = ""] = match ?? [];
  const index = input.IndexName as IndexName | undefined;
  const wanted = index === undefined ? { hash: "pk", range: "sk" } : INDEXES[index];
  if (!match || names[hashName] !== wanted.hash || names[rangeName] !== wanted.range) {
    throw new Error(`The range cannot be read: ${input.KeyConditionExpression}`);
  }
  return { index, hash: text(values[hash]), first: text(values[first]), last: text(values[last]) };
}

/** Items of one index position are told apart by the table's key; nothing in a range sorts before the mark between them. */
function placeIn(
  index: IndexName,
  item: Attributes | undefined,
): { hash: string; position: string } | undefined {
  const { hash, range } = INDEXES[index];
  const [hashValue, rangeValue] = [item?.[hash]?.S, item?.[range]?.S];
  if (item === undefined || hashValue === undefined || rangeValue === undefined) return undefined;
  return { hash: hashValue, position: `${rangeValue}\u0000${text(item.pk)}\u0000${text(item.sk)}` };
}

function keysOf(item: Attributes, index: IndexName | undefined): Attributes {
  const names = ["pk", "sk", ...(index === undefined ? [] : [INDEXES[index].hash, INDEXES[index].range])];
  return Object.fromEntries(names.flatMap((name) => (item[name] ? [[name, item[name]]] : [])));
}

function partitionOf(partitions: Map<string, Partition>, hash: string): Partition {
  const known = partitions.get(hash);
  if (known) return known;
  const made: Partition = [];
  partitions.set(hash, made);
  return made;
}

function replaced(partition: Partition, before: Entry | undefined, after: Entry | undefined): void {
  if (before && after) {
    const at = lowerBound(partition, after.position);
    partition[at] = after;
    return;
  }
  if (before) partition.splice(lowerBound(partition, before.position), 1);
  if (after) partition.splice(lowerBound(partition, after.position), 0, after);
}

/** The first entry at or after a position. */
function lowerBound(partition: Partition, position: string): number {
  let [low, high] = [0, partition.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((partition[middle]?.position ?? "") < position) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The first entry after a position. */
function upperBound(partition: Partition, position: string): number {
  const at = lowerBound(partition, position);
  return partition[at]?.position === position ? at + 1 : at;
}

function checkKeys(item: Attributes): void {
  for (const name of ["pk", "sk"]) {
    if (!item[name]?.S) throw invalid(`The key attribute ${name} is missing or empty`);
  }
  for (const index of Object.values(INDEXES)) {
    for (const name of [index.hash, index.range]) {
      if (item[name] !== undefined && !item[name]?.S) throw invalid(`The index key ${name} is no text`);
    }
  }
}

function invalid(message: string): Error {
  return Object.assign(new Error(message), {
    name: "ValidationException",
    $metadata: { httpStatusCode: 400 },
  });
}

function given<T>(value: T | undefined): T {
  if (value === undefined) throw invalid("A parameter is missing");
  return value;
}

function text(value: AttributeValue | undefined): string {
  if (value?.S === undefined) throw invalid("A key is no text");
  return value.S;
}

function unitsOf(bytes: number, unitBytes: number): number {
  return Math.ceil(bytes / unitBytes);
}

/** `IMAGES#...` with `IMAGE#...` is told by both. */
function kindOf(pk: string, sk = ""): string {
  return [pk, sk]
    .map((key) => key.split("#")[0])
    .join(" ")
    .trim();
}
