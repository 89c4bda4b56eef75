/**
 * @module The thread that holds the database: a slow query stalls nobody's pictures, and should dynalite ever throw, the
 * thread ends and is replaced while the run goes on.
 */
import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { type ErrorName, errorNameOf } from "@atelier/core/errors";
import type { CreateTableCommandInput } from "@aws-sdk/client-dynamodb";
import { openDynalite } from "./dynalite.ts";
import { prepareSocketPath } from "./socket-folder.ts";
import { storageFault } from "./storage-fault.ts";

export interface ThreadInput {
  /** The data folder's real path, for the socket's name. */
  readonly dataPath: string;
  /** LevelDB's folder. */
  readonly storeFolder: string;
  readonly table: CreateTableCommandInput;
}
/** Said once. Then any message asks the thread to close; it answers by ending. */
export type ThreadAnswer =
  | { readonly kind: "listening"; readonly socketPath: string }
  | { readonly kind: "locked" }
  | { readonly kind: "failed"; readonly name: ErrorName; readonly message: string };

async function host(input: ThreadInput): Promise<ThreadAnswer> {
  let socketPath = "";
  let closing = false;
  const close = async (): Promise<void> => {
    if (closing) return;
    closing = true;
    // While the lock is ours: the next host makes a folder of the same name.
    await rm(dirname(socketPath), { recursive: true, force: true });
    await dynalite.close();
    process.exit(0);
  };
  const opened = await openDynalite({
    folder: input.storeFolder,
    table: input.table,
    // LevelDB refuses every write after a failed one until it is opened anew: by the next thread.
    onFault: () => void close(),
  });
  if (opened === "locked") return { kind: "locked" };
  const dynalite = opened;
  socketPath = await prepareSocketPath(input.dataPath);
  // We hold the lock, so a socket that stands there is a dead process's.
  await rm(socketPath, { force: true });
  await dynalite.listen(socketPath);
  parentPort?.once("message", () => void close());
  return { kind: "listening", socketPath };
}

const input = workerData as ThreadInput;
const answer = await host(input).catch((error: unknown): ThreadAnswer => {
  const fault = storageFault(error, dirname(input.storeFolder));
  const message = fault instanceof Error ? fault.message : String(fault);
  return { kind: "failed", name: errorNameOf(fault), message };
});
parentPort?.postMessage(answer);
