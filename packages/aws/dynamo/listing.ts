/**
 * @module Lists over index ranges: several ranges merged by position, records read consistently, filtered, and cut into
 * pages. A page is full unless the list ends, whatever the filter leaves out.
 */
import type { Page } from "@atelier/core/ports";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { Dynamo, Item } from "./client.ts";
import { type PageRequest, readCursor, writeCursor } from "./cursor.ts";
import type { Range } from "./expressions.ts";
import type { Key } from "./keys.ts";
import { commonEntries, type Entry, type Source } from "./walk.ts";

export interface List<T> {
  /** Names the list and its filters, for the cursor. */
  readonly query: string;
  readonly sources: readonly Source[];
  /** Groups of other ranges: what is listed has an entry in one of each. */
  readonly narrowedBy?: readonly (readonly Source[])[];
  readonly newestFirst: boolean;
  /** The record's key for an entry; left out when the entry's own key is the record's. */
  keyOf?(position: string): Key;
  parse(item: Item): T;
  /** What the record itself says: an index may be behind it, or an entry left over from an earlier time. */
  matches(record: T, position: string): boolean;
}

/** The first read takes what fills a page; when a filter leaves some out, the next ones take this many. */
const CHUNK_MAX = 100;

/**
 * @param page.readsMax calls to the table, counted roughly; once they are used up the page is cut there, with a cursor, and may
 *   be empty. For lists that go newest first
 * @throws AtelierError `UsageError` for a bad cursor or limit
 */
export async function listPage<T>(
  list: List<T>,
  page: PageRequest & { readonly readsMax?: number },
  dynamo: Dynamo,
): Promise<Page<T>> {
  const after = readCursor(list.query, page);
  // One more than asked for: it tells whether there is a next page.
  const wanted = page.limit + 1;
  const firstLimit = Math.min(wanted, CHUNK_MAX);
  const reads = { left: page.readsMax ?? Number.POSITIVE_INFINITY };
  const walk = { newestFirst: list.newestFirst, after, firstLimit, reads };
  const entries = commonEntries([list.sources, ...(list.narrowedBy ?? [])], walk, dynamo);
  const found: { position: string; record: T }[] = [];
  let pausedAfter: string | undefined;
  for await (const chunk of chunks(entries, firstLimit)) {
    const listed = chunk.filter((entry) => "position" in entry);
    for (const { position, item } of await recordsOf(listed, list, reads, dynamo)) {
      const record = list.parse(item);
      if (list.matches(record, position)) found.push({ position, record });
    }
    if (found.length >= wanted) break;
    const last = chunk.at(-1);
    if (last && "pausedAfter" in last) pausedAfter = last.pausedAfter;
    else if (last && reads.left <= 0) {
      pausedAfter = last.position;
      break;
    }
  }
  const shown = found.slice(0, page.limit);
  const goesOnAfter = found.length > page.limit ? shown.at(-1)?.position : pausedAfter;
  return {
    items: shown.map(({ record }) => record),
    cursor: goesOnAfter === undefined ? null : writeCursor(list.query, goesOnAfter),
  };
}

/** The records of entries, in their order; those that are gone are left out. */
async function recordsOf<T>(
  entries: readonly Entry[],
  list: Pick<List<T>, "keyOf">,
  reads: { left: number },
  dynamo: Dynamo,
): Promise<{ position: string; item: Item }[]> {
  const keyOf = ({ position, key }: Entry) => list.keyOf?.(position) ?? key;
  // Several entries may lead to one record, and a batch takes no key twice.
  const missing = new Map(
    entries.filter(({ item }) => item === undefined).map((entry) => [nameOf(keyOf(entry)), keyOf(entry)]),
  );
  reads.left -= Math.ceil(missing.size / CHUNK_MAX);
  const read = new Map((await dynamo.getMany([...missing.values()])).map((item) => [nameOf(item), item]));
  return entries.flatMap((entry) => {
    const item = entry.item ?? read.get(nameOf(keyOf(entry)));
    return item ? [{ position: entry.position, item }] : [];
  });
}

function nameOf({ pk, sk }: Readonly<Record<string, unknown>> | Key): string {
  return `${pk} ${sk}`;
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
