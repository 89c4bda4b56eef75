/**
 * @module Walks ordered ranges of entries by position: those of a group are merged, and of several groups the positions that
 * stand in each are found by leaping: whoever is behind goes straight to where the others are.
 */
import type { Dynamo, Item } from "./client.ts";
import type { Range } from "./expressions.ts";
import { INDEXES, type Key } from "./keys.ts";

/** A range of entries. The range attribute is `{prefix}{position}`. */
export interface Source extends Omit<Range, "first" | "last"> {
  readonly prefix?: string;
  /** Positions from `first` to `last`; `last` may be `~`, which sorts after all. */
  readonly first: string;
  readonly last: string;
  /** The range holds the records themselves, which a query returns whole. */
  readonly ofRecords?: true;
}

export interface Entry {
  readonly position: string;
  readonly key: Key;
  /** The record, of a range that holds them. */
  readonly item?: Item;
}

export interface Walk {
  readonly newestFirst: boolean;
  /** The position after which it starts. */
  readonly after: string | undefined;
  /** Entries that the first query of a group's only source asks for. */
  readonly firstLimit: number;
  /** Calls that may still be made; a walk that needs another one then pauses. */
  readonly reads: { left: number };
}

/** Where another walk goes on, because this one had no calls left; only those that go newest first may run out of them. */
export interface Pause {
  readonly pausedAfter: string;
}

/** An entry is read some ten times as fast as a record, and a group that is much denser leaves out few. */
const ENTRIES_FOR_A_RECORD = 8;
/** Queries of a range become longer as it is walked, up to this: about 100 KB. */
const ENTRIES_MAX = 800;
const RECORDS_MAX = 100;
const SOURCE_ENTRIES_MIN = 40;
const GROWTH = 4;

/**
 * Entries that stand in every group, each position once; those of groups that would cost more to read than the records they
 * leave out are not looked for. So a record may still not be in all groups, but none is missing.
 *
 * @param groups one or more; a group is what all its sources hold together
 */
export async function* commonEntries(
  groups: readonly (readonly Source[])[],
  walk: Walk,
  dynamo: Dynamo,
): AsyncGenerator<Entry | Pause> {
  const opened = await Promise.all(groups.map((sources) => openGroup(sources, groups.length, walk, dynamo)));
  const [driver, ...others] = worthWalking(opened);
  for (let entry = driver?.head(); driver !== undefined && entry !== undefined; ) {
    const target = await agreed(entry.position, others, walk);
    if (target === undefined) return;
    if (typeof target !== "string") return yield target;
    if (target === entry.position) {
      yield entry;
      if (!(await driver.pass(target))) return yield { pausedAfter: target };
    } else if (!(await driver.seek(target))) return yield justBefore(target);
    entry = driver.head();
  }
}

/** The position itself when all others have it, else the next one that may be in all; undefined at the end. */
async function agreed(
  position: string,
  others: readonly Group[],
  walk: Walk,
): Promise<string | Pause | undefined> {
  for (const group of others) {
    if (!(await group.seek(position))) return justBefore(position);
    const head = group.head();
    if (head === undefined) return undefined;
    if (isBefore(position, head.position, walk)) return head.position;
  }
  return position;
}

/** No position ends in `~`, which sorts after all that follows an id. */
function justBefore(position: string): Pause {
  return { pausedAfter: `${position}~` };
}

/** A group whose entries have all been read leads alone: its records are few. Otherwise the sparsest leads. */
function worthWalking(groups: readonly Group[]): readonly Group[] {
  if (groups.length < 2) return groups;
  const [smallest] = groups
    .flatMap((group) => {
      const count = group.countIfRead();
      return count === undefined ? [] : [{ group, count }];
    })
    .sort((one, other) => one.count - other.count);
  if (smallest) return [smallest.group];
  const sparsest = Math.min(...groups.map((group) => group.density()));
  return groups
    .filter((group) => group.density() <= sparsest * ENTRIES_FOR_A_RECORD)
    .sort((one, other) => one.density() - other.density());
}

interface Group {
  head(): Entry | undefined;
  /** How many entries there are; undefined when not all have been read. */
  countIfRead(): number | undefined;
  /** Entries in a millisecond, among those that have been read. */
  density(): number;
  /** To the first entry at the position or after it; false when calls are needed and none is left. */
  seek(position: string): Promise<boolean>;
  /** To the first entry after the position. */
  pass(position: string): Promise<boolean>;
}

async function openGroup(
  sources: readonly Source[],
  groupCount: number,
  walk: Walk,
  dynamo: Dynamo,
): Promise<Group> {
  const limit =
    groupCount === 1
      ? walk.firstLimit
      : Math.max(SOURCE_ENTRIES_MIN, Math.ceil(walk.firstLimit / sources.length));
  const ranges = await Promise.all(sources.map((source) => openRange(source, limit, walk, dynamo)));
  const all = async (move: (range: OpenRange) => Promise<boolean>) =>
    (await Promise.all(ranges.map(move))).every(Boolean);
  return {
    head: () =>
      ranges
        .map((range) => range.head())
        .reduce((best, head) =>
          best && !(head && isBefore(head.position, best.position, walk)) ? best : head,
        ),
    countIfRead: () => {
      const counts = ranges.map((range) => range.countIfRead());
      return counts.reduce(
        (sum, count) => (sum === undefined || count === undefined ? undefined : sum + count),
        0,
      );
    },
    density: () => ranges.reduce((sum, range) => sum + range.density(), 0),
    seek: (position) => all((range) => range.seek(position)),
    pass: (position) => all((range) => range.pass(position)),
  };
}

type OpenRange = Group;

async function openRange(source: Source, firstLimit: number, walk: Walk, dynamo: Dynamo): Promise<OpenRange> {
  const { newestFirst, reads } = walk;
  const prefix = source.prefix ?? "";
  const rangeAttribute = source.index === undefined ? "sk" : INDEXES[source.index].range;
  const limitMax = source.ofRecords ? RECORDS_MAX : ENTRIES_MAX;
  let limit = firstLimit;
  let entries: Entry[] = [];
  let at = 0;
  let isRead = false;

  /** Reads on from a position; `without` the entry that stands there. */
  async function read(from: string | undefined, without: boolean): Promise<void> {
    const range: Range = {
      ...source,
      first: prefix + (newestFirst ? source.first : later(source.first, from)),
      last: prefix + (newestFirst ? earlier(source.last, from) : source.last),
    };
    entries = [];
    at = 0;
    isRead = range.first > range.last;
    if (isRead) return;
    reads.left--;
    const page = await dynamo.query(range, { backwards: newestFirst, limit: limit + (without ? 1 : 0) });
    limit = Math.min(GROWTH * limit, limitMax);
    isRead = page.next === undefined;
    entries = page.items
      .map((item) => ({
        position: String(item[rangeAttribute]).slice(prefix.length),
        key: { pk: String(item.pk), sk: String(item.sk) },
        ...(source.ofRecords && { item }),
      }))
      .filter(({ position }) => !without || position !== from);
  }

  async function move(position: string, without: boolean): Promise<boolean> {
    for (let entry = entries[at]; entry; entry = entries[++at]) {
      if (!isBefore(entry.position, position, walk) && !(without && entry.position === position)) return true;
    }
    if (isRead) return true;
    if (reads.left <= 0) return false;
    await read(position, without);
    return true;
  }

  await read(walk.after, walk.after !== undefined);
  return {
    head: () => entries[at],
    countIfRead: () => (isRead ? entries.length : undefined),
    density: () => {
      const [first, last] = [entries[0], entries.at(-1)];
      if (isRead || !first || !last) return 0;
      return entries.length / (1 + Math.abs(millisecondsOf(first) - millisecondsOf(last)));
    },
    seek: (position) => move(position, false),
    pass: (position) => move(position, true),
  };
}

function isBefore(position: string, other: string, { newestFirst }: Pick<Walk, "newestFirst">): boolean {
  return newestFirst ? position > other : position < other;
}

function earlier(position: string, other: string | undefined): string {
  return other === undefined || position < other ? position : other;
}

function later(position: string, other: string | undefined): string {
  return other === undefined || position > other ? position : other;
}

function millisecondsOf({ position }: Entry): number {
  return Number(position.slice(0, position.indexOf("#")));
}
