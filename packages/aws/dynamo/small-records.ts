/** @module Records that are few, stand in one partition and are mostly read all together. */
import { numbered, schemaNumber } from "@atelier/core/schema-versions";
import type { Dynamo } from "./client.ts";
import { ifNotNewer } from "./expressions.ts";
import { itemsUnder } from "./listing.ts";
import { type Kind, parseRecord } from "./records.ts";

export interface SmallRecords<T> {
  get(id: string): Promise<T | undefined>;
  /** Over whatever stands there, except what a newer program wrote. @throws AtelierError `FolderUnusable` for that */
  put(id: string, record: T): Promise<void>;
  /** True when there was one. */
  remove(id: string): Promise<boolean>;
  /** In the order of their ids. */
  all(): Promise<readonly T[]>;
}

/** Sort keys begin with a letter of our own: an id may begin with anything that people call themselves. */
const PREFIX = "#";

export function recordsOf<T extends object>(
  kind: Pick<Kind<T>, "name" | "schema">,
  partition: string,
  dynamo: Dynamo,
): SmallRecords<T> {
  const keyOf = (id: string) => smallKey(partition, id);
  return {
    async get(id) {
      const item = await dynamo.get(keyOf(id));
      return item && parseRecord(kind, item);
    },
    async put(id, record) {
      const item = { ...numbered(kind.name, record), ...keyOf(id) };
      if (await dynamo.put(item, ifNotNewer(schemaNumber(kind.name)))) return;
      const standing = await dynamo.get(keyOf(id));
      if (standing) parseRecord(kind, standing);
    },
    remove: (id) => dynamo.remove(keyOf(id)),
    all: async () =>
      (await itemsUnder({ pk: partition, prefix: PREFIX }, dynamo)).map((item) => parseRecord(kind, item)),
  };
}

export function smallKey(partition: string, id: string) {
  return { pk: partition, sk: PREFIX + id };
}
