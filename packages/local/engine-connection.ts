/** @module A connection to the database of a data folder: as its host, with the thread that holds it, or as a guest. */
import * as files from "node:fs/promises";
import type { Agent } from "node:http";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { AtelierError } from "@atelier/core/errors";
import type { Clock, RandomBytes } from "@atelier/core/ids";
import { httpGet, Agent as NodeAgent } from "@atelier/providers/node-http";
import type { CreateTableCommandInput } from "@aws-sdk/client-dynamodb";
import * as z from "zod";
import type { DataFolder } from "./data-folder.ts";
import { WATCH_PATH } from "./dynalite.ts";
import type { ThreadAnswer, ThreadInput } from "./dynalite-thread.ts";
import { sightProcess } from "./process-identity.ts";
import { storageFault } from "./storage-fault.ts";
import { createFileWriter, ensureFolder, replaceFile } from "./whole-file.ts";

/** How long somebody may hold the store without answering; opening it takes a tenth of a second. */
const ANSWER_WITHIN_MS = 15_000;
/** A thread that hangs is ended; what it had acknowledged is in the store. */
const CLOSE_WITHIN_MS = 10_000;
/** A try to host costs a thread; looking whether the other one listens by now costs nothing. */
const LOOK_AGAIN_MS = 10;
const LOOKS_BEFORE_TRYING = 40;

/**
 * Of the thread's heap, in a program that has this as a library; the launcher's flags count for every thread and come before it. On a
 * large machine V8 would take some hundred megabytes for what answers leave behind, and let the rest grow to four times what is
 * used; with a limit like this it is content with one and a half times as much.
 */
const HEAP_MB = { maxYoungGenerationSizeMb: 32, maxOldGenerationSizeMb: 1024 };

export interface Connection {
  readonly role: "host" | "guest";
  readonly agent: Agent;
  /** Resolves when the connection has ended, for whatever reason. */
  readonly ended: Promise<void>;
  /** As host: answers what is under way, then gives the store free. As guest: lets go. */
  end(): Promise<void>;
}

export interface ConnectDeps {
  readonly dataFolder: DataFolder;
  readonly table: CreateTableCommandInput;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
}

const hostRecordSchema = z.object({ pid: z.int().positive(), socketPath: z.string() });

/**
 * LevelDB's lock is one per process for the kernel, and merely trying to open the store a second time in the same
 * process (its LOCK file is closed again) would give the lock away. So what this process holds is noted here.
 */
const heldByThisProcess = new Set<string>();

/**
 * Joins whoever serves the folder, or serves it.
 *
 * @throws AtelierError `StorageUnavailable` when another process holds the store and does not answer; what opening the
 * store throws
 */
export async function connect(deps: ConnectDeps): Promise<Connection> {
  const giveUpAtMs = deps.clock() + ANSWER_WITHIN_MS;
  await inFolder(deps, (folder) => ensureFolder(files, folder));
  for (;;) {
    const connection = (await attach(deps.dataFolder)) ?? (await host(deps));
    if (connection) return connection;
    // Somebody else has the store and will listen in a moment, or ends just now.
    for (let look = 0; look < LOOKS_BEFORE_TRYING; look++) {
      await pause(LOOK_AGAIN_MS);
      const found = await attach(deps.dataFolder);
      if (found) return found;
    }
    if (deps.clock() > giveUpAtMs) throw await unreachable(deps.dataFolder);
  }
}

async function attach(dataFolder: DataFolder): Promise<Connection | undefined> {
  const record = await readHostRecord(dataFolder);
  if (!record) return undefined;
  const { socketPath } = record;
  return new Promise((resolve) => {
    const request = httpGet({ socketPath, path: WATCH_PATH, agent: false }, (response) => {
      const ended = new Promise<void>((settle) => response.once("close", settle));
      // Watching the host is no reason to stay alive.
      response.socket.unref();
      response.on("error", () => {}).resume();
      resolve({
        role: "guest",
        agent: createAgent(socketPath),
        ended,
        async end() {
          request.destroy();
          await ended;
        },
      });
    });
    request.on("error", () => resolve(undefined));
  });
}

async function host(deps: ConnectDeps): Promise<Connection | undefined> {
  const storeFolder = join(deps.dataFolder.engine, "store");
  if (heldByThisProcess.has(storeFolder)) return undefined;
  heldByThisProcess.add(storeFolder);
  const input: ThreadInput = { dataPath: deps.dataFolder.path, storeFolder, table: deps.table };
  const thread = new Worker(new URL("./dynalite-thread.ts", import.meta.url), {
    workerData: input,
    execArgv: ["--disable-warning=ExperimentalWarning"],
    resourceLimits: HEAP_MB,
  });
  let crash: unknown;
  thread.on("error", (error) => {
    crash = error;
  });
  const ended = new Promise<void>((resolve) => {
    thread.once("exit", () => {
      heldByThisProcess.delete(storeFolder);
      resolve();
    });
  });
  const said = new Promise<ThreadAnswer>((resolve) => thread.once("message", resolve));
  const answer = await Promise.race([said, ended]);
  if (answer?.kind !== "listening") {
    await thread.terminate();
    await ended;
    if (answer?.kind === "locked") return undefined;
    if (answer?.kind === "failed") throw new AtelierError(answer.name, answer.message);
    throw new AtelierError("StorageUnavailable", `The database in ${storeFolder} could not be started.`, {
      cause: crash,
    });
  }
  await writeHostRecord(deps, answer.socketPath);
  thread.unref();
  return {
    role: "host",
    agent: createAgent(answer.socketPath),
    ended,
    async end() {
      thread.ref();
      thread.postMessage("close");
      const patience = setTimeout(() => void thread.terminate(), CLOSE_WITHIN_MS);
      await ended;
      clearTimeout(patience);
    },
  };
}

/** The database answers one request after the other: more connections would only be more waiting. */
const SOCKETS_MAX = 32;

function createAgent(socketPath: string): Agent {
  // The types know the option of requests only; the agent hands it on to `net.connect`.
  return new NodeAgent({ keepAlive: true, maxSockets: SOCKETS_MAX, ...{ socketPath } });
}

function hostRecordPath(dataFolder: DataFolder): string {
  return join(dataFolder.engine, "host.json");
}

async function writeHostRecord(deps: ConnectDeps, socketPath: string): Promise<void> {
  const text = `${JSON.stringify({ pid: process.pid, socketPath })}\n`;
  const writer = createFileWriter(deps.randomBytes);
  await inFolder(deps, () => replaceFile(writer, hostRecordPath(deps.dataFolder), Buffer.from(text)));
}

async function inFolder(deps: ConnectDeps, work: (folder: string) => Promise<void>): Promise<void> {
  const folder = deps.dataFolder.engine;
  await work(folder).catch((error: unknown) => {
    throw storageFault(error, folder);
  });
}

async function readHostRecord(dataFolder: DataFolder): Promise<z.infer<typeof hostRecordSchema> | undefined> {
  try {
    return hostRecordSchema.parse(JSON.parse(await files.readFile(hostRecordPath(dataFolder), "utf8")));
  } catch {
    // Never written, or by hand: then nobody can be asked, and the lock decides.
    return undefined;
  }
}

async function unreachable(dataFolder: DataFolder): Promise<AtelierError> {
  const pid = (await readHostRecord(dataFolder))?.pid;
  const who = pid !== undefined && sightProcess(pid).running ? `process ${pid}` : "another process";
  return new AtelierError(
    "StorageUnavailable",
    `${dataFolder.path} is held by ${who}, which does not answer; end it and start again.`,
  );
}
