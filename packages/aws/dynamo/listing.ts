/**
 * @module Lists over index ranges: several ranges merged by position, records read consistently, filtered, and cut into
 * pages. A page is full unless the list ends, whatever the filter leaves out.
 */
import type { Page } from "@atelier/core/ports";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { Dynamo, Item } from "./client.ts";
import { type PageRequest, readCursor, writeCursor } from "./cursor.ts";
import type { Range } from "./expressions.ts";
import { INDEXES, type Key } from "./keys.ts";

/** A range of index entries. The range attribute is `{prefix}{position}`. */
export interface Source extends Omit<Range, "first" | "last"> {
  readonly prefix?: string;
  /** Positions from `first` to `last`; `last` may be `~`, which sorts after all. */
  readonly first: string;
  readonly last: string;
}

interface Entry {
  readonly position: string;
  readonly key: Key;
}

export interface List<T> {
  /** Names the list and its filters, for the cursor. */
  readonly query: string;
  readonly sources: readonly Source[];
  readonly newestFirst: boolean;
  /** The record's key for an entry; left out when the entry's own key is the record's. */
  keyOf?(position: string): Key;
  parse(item: Item): T;
  /** What the record itself says: an index may be behind it. */
  matches(record: T): boolean;
}

/** The first read takes what fills a page; when a filter leaves some out, the next ones take this many. */
const CHUNK_MAX = 100;

/** @throws AtelierError `UsageError` for a bad cursor or limit */
export async function listPage<T>(list: List<T>, page: PageRequest, dynamo: Dynamo): Promise<Page<T>> {
  const after = readCursor(list.query, page);
  // One more than asked for: it tells whether there is a next page.
  const wanted = page.limit + 1;
  const firstChunk = Math.min(wanted, CHUNK_MAX);
  const entries = merged(
    list.sources.map((source) => entriesOf(source, list.newestFirst, after, firstChunk, dynamo)),
    list.newestFirst,
  );
  const found: { position: string; record: T }[] = [];
  for await (const chunk of chunks(entries, firstChunk)) {
    const keys = chunk.map(({ position, key }) => list.keyOf?.(position) ?? key);
    const records = new Map(
      (await dynamo.getMany(keys)).map((item) => [`${item.pk} ${item.sk}`, list.parse(item)]),
    );
    for (const [index, { position }] of chunk.entries()) {
      const key = keys[index];
      const record = key && records.get(`${key.pk} ${key.sk}`);
      if (record !== undefined && list.matches(record)) found.push({ position, record });
    }
    if (found.length >= wanted) break;
  }
  const shown = found.slice(0, page.limit);
  const last = shown.at(-1);
  return {
    items: shown.map(({ record }) => record),
    cursor: found.length > page.limit && last ? writeCursor(list.query, last.position) : null,
  };
}

/** Every item of a partition whose sort key begins with the prefix, in order; consistent. */
export async function itemsUnder(under: { pk: string; prefix: string }, dynamo: Dynamo): Promise<Item[]> {
  return itemsBetween({ hash: under.pk, first: under.prefix, last: `${under.prefix}~` }, dynamo);
}

/** Every item of a range of the table, in order; consistent. */
export async function itemsBetween(range: Range, dynamo: Dynamo): Promise<Item[]> {
  const items: Item[] = [];
  let start: Record<string, AttributeValue> | undefined;
  do {
    const page = await dynamo.query(range, { backwards: false, ...(start && { start }) });
    items.push(...page.items);
    start = page.next;
  } while (start);
  return items;
}

async function* entriesOf(
  source: Source,
  newestFirst: boolean,
  after: string | undefined,
  firstLimit: number,
  dynamo: Dynamo,
): AsyncGenerator<Entry> {
  const prefix = source.prefix ?? "";
  const rangeAttribute = source.index === undefined ? "sk" : INDEXES[source.index].range;
  const range: Range = {
    ...source,
    first: prefix + (newestFirst ? source.first : (after ?? source.first)),
    last: prefix + (newestFirst ? (after ?? source.last) : source.last),
  };
  if (range.first > range.last) return;
  let start: Record<string, AttributeValue> | undefined;
  // The range includes the position after which the page starts.
  let limit = firstLimit + (after === undefined ? 0 : 1);
  do {
    const page = await dynamo.query(range, { backwards: newestFirst, limit, ...(start && { start }) });
    limit = CHUNK_MAX;
    for (const item of page.items) {
      const position = String(item[rangeAttribute]).slice(prefix.length);
      if (position !== after) yield { position, key: { pk: String(item.pk), sk: String(item.sk) } };
    }
    start = page.next;
  } while (start);
}

/** Merges ordered sources into one order. The first entries of all are fetched at once. */
async function* merged(sources: AsyncGenerator<Entry>[], newestFirst: boolean): AsyncGenerator<Entry> {
  const heads = await Promise.all(sources.map(async (source) => ({ source, next: await source.next() })));
  for (;;) {
    let best: (typeof heads)[number] | undefined;
    for (const head of heads) {
      if (head.next.done) continue;
      if (!best || best.next.done || head.next.value.position > best.next.value.position === newestFirst) {
        best = head;
      }
    }
    if (!best || best.next.done) return;
    yield best.next.value;
    best.next = await best.source.next();
  }
}

async function* chunks<T>(values: AsyncIterable<T>, firstSize: number): AsyncGenerator<T[]> {
  let size = firstSize;
  let chunk: T[] = [];
  for await (const value of values) {
    chunk.push(value);
    if (chunk.length === size) {
      yield chunk;
      chunk = [];
      size = CHUNK_MAX;
    }
  }
  if (chunk.length > 0) yield chunk;
}
