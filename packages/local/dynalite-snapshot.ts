/**
 * @module Every item of a table as it stood at one moment, whatever is written meanwhile: LevelDB's iterators read the state that
 * they were made in. What comes out is what a machine would find that was switched off at that moment, so whatever starts
 * again from it goes on as after any other interruption.
 */
import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** What is used of a `Level` database. */
export interface LevelStore {
  iterator(options: { gte: string; lt: string; valueEncoding: "utf8" }): LevelIterator;
}
interface LevelIterator {
  nextv(size: number): Promise<readonly (readonly [key: string, value: string])[]>;
  close(): Promise<void>;
}

/** So many items are read from the disk at a time. */
const CHUNK_ITEMS = 200;

/** Answers with JSON lines in DynamoDB's notation, then an empty line: an answer without it was cut off. */
export async function sendSnapshot(
  db: LevelStore,
  tableName: string | undefined,
  response: ServerResponse,
): Promise<void> {
  // Made before the first byte is sent: what the caller knows to be written before it asked is in it.
  const items = db.iterator({
    gte: `item-${tableName}~`,
    lt: `item-${tableName}\x7f`,
    valueEncoding: "utf8",
  });
  async function* lines(): AsyncGenerator<string> {
    for (;;) {
      const chunk = await items.nextv(CHUNK_ITEMS);
      if (chunk.length === 0) break;
      yield chunk.map(([, value]) => `${value}\n`).join("");
    }
    yield "\n";
  }
  try {
    // A failing store ends the answer before its last line.
    await pipeline(Readable.from(lines()), response).catch(() => response.destroy());
  } finally {
    await items.close();
  }
}
