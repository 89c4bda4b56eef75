/** @module `Records<T>` over the table: what all kinds of records have in common, including the list of open ones. */
import { AtelierError } from "@atelier/core/errors";
import type { Change, Condition, Page, Patched, Records } from "@atelier/core/ports";
import {
  broughtForward,
  isToday,
  numbered,
  SCHEMA,
  type StoredKind,
  schemaNumber,
} from "@atelier/core/schema-versions";
import type * as z from "zod";
import type { Dynamo, Item } from "./client.ts";
import type { PageRequest } from "./cursor.ts";
import { compileChange, ifAbsent, unchanged } from "./expressions.ts";
import { damaged } from "./failures.ts";
import { INDEXES, type Key, positionOf, positionsSince } from "./keys.ts";
import { listPage } from "./listing.ts";

export interface Kind<T> {
  /** Its row in the table of schemas; also for messages. */
  readonly name: StoredKind;
  readonly schema: z.ZodType<T>;
  idOf(record: T): string;
  keyOf(id: string): Key;
  /** Fields that keys and index keys are made of: no patch may touch them. */
  readonly fixed: readonly (keyof T & string)[];
  /** Index attributes of a new record. */
  indexed?(record: T): Readonly<Record<string, string>>;
  /** Index attributes that follow from the changed fields alone. */
  reindexed?(set: Partial<T>): Readonly<Record<string, string>>;
  readonly open?: Openness<T>;
}

/**
 * The sparse list of open records: an item is in it while it has the hash attribute of the `state` index.
 *
 * Openness depends on several fields and a patch sees only those that it changes. So a patch of any field that decides
 * marks the record open in the same write, and a second write removes the mark IF the deciding fields still are what
 * made the record closed:
 *
 *     patch A: ledgerApplied = true, mark ──> closed, so: remove mark IF ledgerApplied, correction..., state unchanged
 *     patch B:                 correctionMicros = 5, mark ──┘ fails on B's change; B's mark stands
 *
 * A crash in between leaves a closed record in the list, which reading the list puts right; an open one is never
 * missing. Doing both in one write would save it, but the embedded engine updates index and item one after the other:
 * killed in between, it would lose the mark and keep the open record.
 */
export interface Openness<T> {
  /** Hash in the index. */
  readonly hash: string;
  isOpen(record: T): boolean;
  readonly decidedBy: readonly (keyof T & string)[];
  createdAtMs(record: T): number;
}

export interface OpenRecords<T> extends Records<T> {
  /** Oldest first. */
  open(page: PageRequest): Promise<Page<T>>;
}

const STATE = INDEXES.state;

export function createRecords<T extends object>(kind: Kind<T>, dynamo: Dynamo): Records<T> {
  const { open } = kind;
  return {
    async get(id) {
      const item = await dynamo.get(kind.keyOf(id));
      return item && parseRecord(kind, item);
    },

    async putIfAbsent(record) {
      const id = kind.idOf(record);
      return dynamo.put(
        {
          ...numbered(kind.name, record),
          ...kind.indexed?.(record),
          ...(open && { [STATE.range]: positionOf(open.createdAtMs(record), id) }),
          ...(open?.isOpen(record) && { [STATE.hash]: open.hash }),
          ...kind.keyOf(id),
        },
        ifAbsent(),
      );
    },

    async patch(id, change): Promise<Patched<T>> {
      refuseFixed(kind, id, change);
      const key = kind.keyOf(id);
      const update = compileChange(ofToday(kind.name, change), { set: indexedBy(kind, change.set) });
      for (;;) {
        const done = await dynamo.update(key, update);
        if (done.ok && done.item) {
          const record = parseRecord(kind, done.item);
          if (open && STATE.hash in done.item && !open.isOpen(record))
            await removeMark(kind, open, record, dynamo);
          return { ok: true, record };
        }
        const item = await dynamo.get(key);
        if (!item || isToday(kind.name, item)) {
          return { ok: false, record: item && parseRecord(kind, item) };
        }
        await bringForward(kind, item, dynamo);
      }
    },
  };
}

export function createOpenRecords<T extends object>(
  kind: Kind<T> & { readonly open: Openness<T> },
  dynamo: Dynamo,
): OpenRecords<T> {
  const { open } = kind;
  return {
    ...createRecords(kind, dynamo),

    async open(page) {
      const stale: T[] = [];
      const found = await listPage(
        {
          query: open.hash,
          sources: [{ index: "state", hash: open.hash, ...positionsSince(0) }],
          newestFirst: false,
          parse: (item) => {
            const record = parseRecord(kind, item);
            if (STATE.hash in item && !open.isOpen(record)) stale.push(record);
            return record;
          },
          matches: open.isOpen,
        },
        page,
        dynamo,
      );
      for (const record of stale) await removeMark(kind, open, record, dynamo);
      return found;
    },
  };
}

async function removeMark<T>(kind: Kind<T>, open: Openness<T>, record: T, dynamo: Dynamo): Promise<void> {
  const change = { set: {}, when: unchanged(record, open.decidedBy) };
  await dynamo.update(kind.keyOf(kind.idOf(record)), compileChange<T>(change, { remove: [STATE.hash] }));
}

/** The change, IF the record is of today's form: its conditions and fields are. */
function ofToday<T>(name: StoredKind, change: Change<T>): Change<T> {
  const today = schemaNumber(name);
  const is = today === 1 ? "absent-or-equals" : "equals";
  return {
    ...change,
    when: [...change.when, { field: SCHEMA, is, value: today } as unknown as Condition<T>],
  };
}

/**
 * Writes today's form over an older one: what the migrations changed, and the index attributes that go with it. Whoever reads
 * meanwhile brings it forward in memory, and whoever changes it waits for this: so the number alone tells that nobody was
 * quicker.
 */
async function bringForward<T extends object>(kind: Kind<T>, item: Item, dynamo: Dynamo): Promise<void> {
  const today = broughtForward(kind.name, item);
  const record = parseRecord(kind, today);
  const changed = Object.entries(today).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(item[name]),
  );
  const removed = Object.keys(item).filter((name) => !(name in today));
  const indexes = {
    ...kind.indexed?.(record),
    ...(kind.open && {
      [STATE.range]: positionOf(kind.open.createdAtMs(record), kind.idOf(record)),
      ...(kind.open.isOpen(record) && { [STATE.hash]: kind.open.hash }),
    }),
  };
  const isAsRead =
    item[SCHEMA] === undefined
      ? { field: SCHEMA, is: "absent" as const }
      : { field: SCHEMA, is: "equals" as const, value: item[SCHEMA] };
  await dynamo.update(
    kind.keyOf(kind.idOf(record)),
    compileChange<Item>(
      { set: Object.fromEntries(changed), when: [isAsRead] },
      { set: indexes, remove: removed },
    ),
  );
}

/**
 * The record in today's form, whatever form it was stored in.
 *
 * @throws AtelierError `StorageUnavailable` naming the key of an item that is not such a record; `FolderUnusable` for one of
 *   a newer form than this program knows
 */
export function parseRecord<T>(kind: Pick<Kind<T>, "name" | "schema">, item: Item): T {
  const parsed = kind.schema.safeParse(broughtForward(kind.name, item));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw damaged(
    { pk: item.pk, sk: item.sk },
    new Error(`not a valid ${kind.name} at ${issue?.path.join(".")}: ${issue?.message}`),
  );
}

function indexedBy<T>(kind: Kind<T>, set: Partial<T>): Readonly<Record<string, string>> {
  const mayOpen = kind.open?.decidedBy.some((field) => set[field] !== undefined);
  return { ...kind.reindexed?.(set), ...(mayOpen && kind.open && { [STATE.hash]: kind.open.hash }) };
}

function refuseFixed<T>(kind: Kind<T>, id: string, change: Change<T>): void {
  const touched = kind.fixed.filter((field) => change.set[field] !== undefined);
  if (touched.length > 0) {
    throw new AtelierError(
      "Unexpected",
      `A patch of ${kind.name} ${id} sets ${touched.join(", ")}, which its keys are made of; leave it out.`,
    );
  }
}
