/**
 * @module The embedded database of a data folder. The first process serves it, others join, and when the one that serves
 * ends, cleanly or not, one of the others takes over and everybody's pending requests go on.
 */

import { AtelierError } from "@atelier/core/errors";
import type { Clock, RandomBytes } from "@atelier/core/ids";
import type { StoredItem } from "@atelier/core/schema-versions";
import type { CreateTableCommandInput } from "@aws-sdk/client-dynamodb";
import type { DataFolder } from "./data-folder.ts";
import { createEngineClient, type EngineClient } from "./engine-client.ts";
import { type Connection, connect } from "./engine-connection.ts";
import { snapshotFrom } from "./engine-snapshot.ts";

/** Starts what the host of a folder also does, and returns how to stop it. */
export type HostingTask = () => Promise<() => Promise<void>>;

export interface Engine {
  readonly client: EngineClient;
  /**
   * Every item of the table as it stood at one moment, in the order of the database: that of a hash of the partition, then of
   * the sort key.
   *
   * @throws AtelierError `StorageUnavailable` when it is cut off, as by the end of the process that serves the database
   */
  snapshot(): AsyncIterable<StoredItem>;
  /** Whether this process serves the database just now. */
  hosting(): boolean;
  /**
   * Starts the task now if this process hosts, and whenever it comes to host; stops it when it ceases to.
   *
   * @throws what the task throws when it starts at once; later failures go to `onFault`
   */
  whenHosting(task: HostingTask): Promise<void>;
  /** Stops the tasks, answers what others have under way, lets go. Later requests fail with `StorageUnavailable`. */
  close(): Promise<void>;
}

/**
 * @param deps.table made when the folder has none
 * @param deps.onFault told of a task that failed to start or stop after a take-over
 * @throws AtelierError `FolderUnusable`, `StorageFull`, `StorageUnavailable` (somebody holds the store and is silent)
 */
export async function openEngine(deps: {
  dataFolder: DataFolder;
  table: CreateTableCommandInput;
  clock: Clock;
  randomBytes: RandomBytes;
  onFault: (error: unknown) => void;
}): Promise<Engine> {
  const tasks: HostingTask[] = [];
  const running = new Map<HostingTask, () => Promise<void>>();
  let turn: Promise<unknown> = Promise.resolve();
  let connection: Connection | undefined;
  let connecting: Promise<Connection> | undefined;
  let closed = false;

  function current(): Promise<Connection> {
    if (connection) return Promise.resolve(connection);
    if (closed) return Promise.reject(new AtelierError("StorageUnavailable", "The engine has been closed."));
    connecting ??= establish().finally(() => {
      connecting = undefined;
    });
    return connecting;
  }

  async function establish(): Promise<Connection> {
    const made = await connect(deps);
    connection = made;
    if (made.role === "host") {
      for (const task of tasks) void inTurn(() => start(task)).catch(deps.onFault);
    }
    void made.ended.then(() => lost(made));
    return made;
  }

  /** The connection is out of force: whoever is left takes over at once, without waiting for a request. */
  async function lost(which: Connection): Promise<void> {
    if (connection !== which) return;
    connection = undefined;
    which.agent.destroy();
    void inTurn(stopAll);
    // A failure meets the next request, which tries again.
    if (!closed) await current().catch(() => {});
  }

  async function drop(which: Connection): Promise<void> {
    await which.end();
    await lost(which);
  }

  /** Starts and stops go one after the other, however quickly the role is lost and won. */
  function inTurn(work: () => Promise<void>): Promise<void> {
    const done = turn.then(work);
    turn = done.catch(() => {});
    return done;
  }

  async function start(task: HostingTask): Promise<void> {
    if (connection?.role === "host" && !running.has(task)) running.set(task, await task());
  }

  async function stopAll(): Promise<void> {
    const stops = [...running.values()];
    running.clear();
    await Promise.all(stops.map((stop) => stop().catch(deps.onFault)));
  }

  await current();
  const client = createEngineClient({ current, drop });

  return {
    client,
    async *snapshot() {
      yield* snapshotFrom((await current()).agent);
    },
    hosting: () => connection?.role === "host",
    async whenHosting(task) {
      tasks.push(task);
      await inTurn(() => start(task));
    },
    async close() {
      closed = true;
      await connecting?.catch(() => {});
      await inTurn(stopAll);
      await connection?.end();
    },
  };
}
