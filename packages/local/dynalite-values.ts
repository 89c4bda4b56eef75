/**
 * @module The values of a range of the store, as dynalite's queries and scans read them. dynalite's own stream never closes its
 * iterator, so that each query kept 64 KB, and what LevelDB had then, until the process ended; and it asks for one value at a time.
 */
import { Stream } from "node:stream";

/** What is used of a `Level` database. */
export interface ValueStore {
  values(options: unknown): ValueIterator;
}
interface ValueIterator {
  /** Empty at the end. */
  nextv(size: number): Promise<readonly unknown[]>;
  close(): Promise<void>;
}

/** So many values are read at a time. LevelDB's binding keeps room for as many until the iterator is collected. */
const CHUNK_VALUES = 100;

/**
 * A stream as dynalite listens to it: `data` for each value, then `end`; or `error`. It begins by itself, with the values as they
 * stand at the call, and ends early, without a word, when it is destroyed.
 */
export class Values extends Stream {
  #isWanted = true;

  constructor(db: ValueStore, options: unknown) {
    super();
    void this.#read(db.values(options));
  }

  destroy(): void {
    this.#isWanted = false;
  }

  async #read(values: ValueIterator): Promise<void> {
    try {
      await this.#tell(values).finally(() => values.close());
      if (this.#isWanted) this.emit("end");
    } catch (error) {
      this.emit("error", error);
    }
  }

  async #tell(values: ValueIterator): Promise<void> {
    while (this.#isWanted) {
      const chunk = await values.nextv(CHUNK_VALUES);
      if (chunk.length === 0) return;
      for (const value of chunk) if (this.#isWanted) this.emit("data", value);
    }
  }
}
