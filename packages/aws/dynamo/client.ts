/**
 * @module The little of DynamoDB that the stores use, on plain JavaScript objects. A condition that does not hold is a
 * value; everything else that goes wrong is an `AtelierError`.
 */
import {
  type AttributeValue,
  BatchGetItemCommand,
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
  type WriteRequest,
} from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import { compileRange, MARSHALLING, type Precondition, type Range, type Update } from "./expressions.ts";
import { damaged, storeFailure, throttled } from "./failures.ts";
import type { Key } from "./keys.ts";
import { plainOf } from "./plain.ts";

export type Item = Readonly<Record<string, unknown>>;

export interface Dynamo {
  /** Consistent. */
  get(key: Key): Promise<Item | undefined>;
  /** Consistent; in the order of the keys, those that do not exist left out. Any number of keys. */
  getMany(keys: readonly Key[]): Promise<Item[]>;
  /** False when the condition does not hold. */
  put(item: Item & Key, condition?: Precondition): Promise<boolean>;
  /** Any number of items, each written for itself, over whatever stands there. */
  putMany(items: readonly Key[]): Promise<void>;
  /** Any number of items; those that do not exist are a success. */
  removeMany(keys: readonly Key[]): Promise<void>;
  /** `item` is what `ReturnValues` asked for. */
  update(key: Key, update: Update): Promise<{ ok: true; item: Item | undefined } | { ok: false }>;
  /** True when there was such an item. */
  remove(key: Key): Promise<boolean>;
  /** One page, in the order of the range or backwards; consistent on the table, not on an index. */
  query(
    range: Range,
    page: { backwards: boolean; limit?: number; start?: Record<string, AttributeValue> },
  ): Promise<QueryPage>;
  /** How many items stand in the range. */
  count(range: Range): Promise<number>;
}

export interface QueryPage {
  readonly items: readonly Item[];
  /** Where the next page starts; undefined at the end. */
  readonly next: Record<string, AttributeValue> | undefined;
}

/** Limits of one BatchGetItem and one BatchWriteItem. */
const BATCH_GET_MAX = 100;
const BATCH_WRITE_MAX = 25;

/**
 * @throws (every method) AtelierError `StorageUnavailable` when the table does not answer, is throttled or holds a damaged
 * item; `StorageFull`; `ConfigurationInvalid` for a missing table or refused credentials; `Unexpected` for a
 * request that DynamoDB finds invalid, such as an item over 400 KB
 */
export function createDynamo(deps: { client: Pick<DynamoDBClient, "send">; tableName: string }): Dynamo {
  const { client, tableName: TableName } = deps;

  async function guarded<R>(doing: string, call: () => Promise<R>): Promise<R> {
    try {
      return await call();
    } catch (error) {
      throw storeFailure(error, doing, TableName);
    }
  }

  /** @returns whether the condition held */
  async function conditional<R>(doing: string, call: () => Promise<R>): Promise<{ result: R } | undefined> {
    return guarded(doing, async () => {
      try {
        return { result: await call() };
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return undefined;
        throw error;
      }
    });
  }

  async function query(range: Range, page: Parameters<Dynamo["query"]>[1], countOnly = false) {
    return guarded(`querying ${range.hash}`, () =>
      client.send(
        new QueryCommand({
          TableName,
          ...compileRange(range),
          ...(range.index === undefined ? { ConsistentRead: true } : { IndexName: range.index }),
          ...(page.limit !== undefined && { Limit: page.limit }),
          ...(page.start && { ExclusiveStartKey: page.start }),
          ...(countOnly && { Select: "COUNT" as const }),
          ScanIndexForward: !page.backwards,
        }),
      ),
    );
  }

  async function writeMany(writes: readonly WriteRequest[]): Promise<void> {
    for (let from = 0; from < writes.length; from += BATCH_WRITE_MAX) {
      let open = writes.slice(from, from + BATCH_WRITE_MAX);
      await guarded(`writing ${open.length} items`, async () => {
        while (open.length > 0) {
          const answer = await client.send(
            new BatchWriteItemCommand({ RequestItems: { [TableName]: open } }),
          );
          const rest = answer.UnprocessedItems?.[TableName] ?? [];
          if (rest.length === open.length) throw throttled("writing", TableName);
          open = rest;
        }
      });
    }
  }

  return {
    async get(key) {
      const answer = await guarded(`reading ${nameOf(key)}`, () =>
        client.send(new GetItemCommand({ TableName, Key: keyOf(key), ConsistentRead: true })),
      );
      return answer.Item && fromStored(answer.Item);
    },

    async getMany(keys) {
      const found = new Map<string, Item>();
      for (let from = 0; from < keys.length; from += BATCH_GET_MAX) {
        let open = keys.slice(from, from + BATCH_GET_MAX).map(keyOf);
        while (open.length > 0) {
          const answer = await guarded(`reading ${open.length} items`, () =>
            client.send(
              new BatchGetItemCommand({
                RequestItems: { [TableName]: { Keys: open, ConsistentRead: true } },
              }),
            ),
          );
          for (const stored of answer.Responses?.[TableName] ?? []) {
            const item = fromStored(stored);
            found.set(nameOf(item), item);
          }
          const rest = answer.UnprocessedKeys?.[TableName]?.Keys ?? [];
          // An answer is cut at 16 MB, which the next call continues; one that got nowhere is throttling.
          if (rest.length === open.length) throw throttled("reading", TableName);
          open = rest.map((key) => key as (typeof open)[number]);
        }
      }
      return keys.flatMap((key) => {
        const item = found.get(nameOf(key));
        return item ? [item] : [];
      });
    },

    async put(item, condition = {}) {
      const done = await conditional(`writing ${nameOf(item)}`, () =>
        client.send(new PutItemCommand({ TableName, Item: marshall(item, MARSHALLING), ...condition })),
      );
      return done !== undefined;
    },

    putMany: (items) =>
      writeMany(items.map((item) => ({ PutRequest: { Item: marshall(item, MARSHALLING) } }))),

    removeMany: (keys) => writeMany(keys.map((key) => ({ DeleteRequest: { Key: keyOf(key) } }))),

    async update(key, update) {
      const done = await conditional(`changing ${nameOf(key)}`, () =>
        client.send(new UpdateItemCommand({ TableName, Key: keyOf(key), ...update })),
      );
      if (!done) return { ok: false };
      return { ok: true, item: done.result.Attributes && fromStored(done.result.Attributes) };
    },

    async remove(key) {
      const answer = await guarded(`removing ${nameOf(key)}`, () =>
        client.send(new DeleteItemCommand({ TableName, Key: keyOf(key), ReturnValues: "ALL_OLD" })),
      );
      return answer.Attributes !== undefined;
    },

    async query(range, page) {
      const answer = await query(range, page);
      return { items: (answer.Items ?? []).map(fromStored), next: answer.LastEvaluatedKey };
    },

    async count(range) {
      let total = 0;
      let start: Record<string, AttributeValue> | undefined;
      do {
        const answer = await query(range, { backwards: false, ...(start && { start }) }, true);
        total += answer.Count ?? 0;
        start = answer.LastEvaluatedKey;
      } while (start);
      return total;
    },
  };
}

function keyOf(key: Key): Record<"pk" | "sk", AttributeValue> {
  return { pk: { S: key.pk }, sk: { S: key.sk } };
}

function nameOf(key: { readonly pk?: unknown; readonly sk?: unknown }): string {
  return `${String(key.pk)} ${String(key.sk)}`;
}

/** An item in DynamoDB's notation as a plain object. @throws AtelierError `StorageUnavailable` naming a damaged one */
export function fromStored(stored: Record<string, AttributeValue>): Item {
  try {
    return plainOf(stored);
  } catch (error) {
    throw damaged({ pk: stored.pk?.S, sk: stored.sk?.S }, error);
  }
}
