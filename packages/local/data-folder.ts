/** @module The data folder (`--data`): made, recognised by its marker, and its secret from which all keys derive. */
import { hkdfSync } from "node:crypto";
import * as files from "node:fs/promises";
import { join, resolve } from "node:path";
import { AtelierError } from "@atelier/core/errors";
import type { Clock, RandomBytes } from "@atelier/core/ids";
import * as z from "zod";
import { faultCode, storageFault } from "./storage-fault.ts";
import {
  createFileWriter,
  ensureFolder,
  type FileWriter,
  isTemporary,
  putFileIfAbsent,
} from "./whole-file.ts";

export const DEFAULT_DATA_FOLDER = ".atelier";

const FORMAT = 1;
const SECRET_BYTES = 32;
const MARKER = "atelier.json";
const KEYS = "keys";
const SECRET = "secret";

/** Names at the top of the folder that are ours; pictures never go under them. */
export const OWN_NAMES = [MARKER, "settings.json", "keys", "engine", "processes", "sandbox"] as const;

export interface DataFolder {
  /** Absolute, symbolic links resolved: the same folder always has the same path. */
  readonly path: string;
  /** The database. Nobody else opens files in it: closing LevelDB's LOCK would give the lock away. */
  readonly engine: string;
  readonly keys: string;
  readonly processes: string;
  /** The sandbox provider's own state. */
  readonly sandbox: string;
  readonly settings: string;
}

export interface DataKeys {
  /** 32 bytes each. */
  readonly auditKey: Uint8Array;
  readonly webhookKey: Uint8Array;
  readonly sandboxKey: Uint8Array;
  /** What removed pictures are recognised by. */
  readonly pictureKey: Uint8Array;
  /** Signs links to renditions. */
  readonly linkKey: Uint8Array;
  /** Signs the tokens of `serve`. */
  readonly tokenKey: Uint8Array;
}

const markerSchema = z.object({ format: z.int().positive() });

/** Whether nothing stands at the path yet, or only an empty folder; false where that cannot be told. */
export async function isUnmade(path: string): Promise<boolean> {
  try {
    return (await files.readdir(path)).length === 0;
  } catch (error) {
    return faultCode(error) === "ENOENT";
  }
}

/**
 * Makes the folder ready: creates it (0700) with marker and secret, or recognises one made before. Several processes
 * may do so at once. The secret is made only with the folder: another one would disown everything that was signed.
 *
 * @param path as the user gave it, relative to the working directory
 * @throws AtelierError `FolderUnusable` for a file in its place, a folder of something else, a newer format, a lost
 * secret or no right to write; `StorageFull`
 */
export async function prepareDataFolder(deps: {
  path: string;
  clock: Clock;
  randomBytes: RandomBytes;
}): Promise<DataFolder> {
  const writer = createFileWriter(deps.randomBytes);
  const wanted = resolve(deps.path);
  try {
    await ensureFolder(files, wanted);
    const folder = layoutOf(await files.realpath(wanted));
    if (!(await isMarked(folder))) await makeOurs(writer, folder, deps);
    await files.access(folder.path, files.constants.W_OK);
    for (const own of [folder.engine, folder.processes, folder.sandbox]) await ensureFolder(files, own);
    return folder;
  } catch (error) {
    if (["EEXIST", "ENOTDIR"].includes(faultCode(error))) {
      throw unusable(`${wanted} is not a folder; give another one with --data.`, error);
    }
    if (faultCode(error) === "ENOENT") {
      throw unusable(`${wanted} cannot be made; give another folder with --data.`, error);
    }
    throw storageFault(error, wanted);
  }
}

/**
 * The keys of this folder, for HMACs. They derive from one secret, so losing or copying the folder keeps them together.
 *
 * @throws AtelierError `FolderUnusable` when the secret is missing or damaged
 */
export async function readDataKeys(folder: DataFolder): Promise<DataKeys> {
  const path = secretPath(folder);
  const secret = await files.readFile(path).catch((error: unknown) => {
    throw unusable(`The key ${path} cannot be read; restore it from a backup of the folder.`, error);
  });
  if (secret.length !== SECRET_BYTES) {
    throw unusable(
      `The key ${path} has ${secret.length} bytes instead of ${SECRET_BYTES}; restore it from a backup.`,
    );
  }
  // RFC 5869; no salt, because the secret is uniformly random already.
  const derive = (purpose: string) =>
    new Uint8Array(hkdfSync("sha256", secret, new Uint8Array(0), `atelier/${purpose}`, 32));
  return {
    auditKey: derive("audit"),
    webhookKey: derive("webhook"),
    sandboxKey: derive("sandbox"),
    pictureKey: derive("pictures"),
    linkKey: derive("links"),
    tokenKey: derive("tokens"),
  };
}

function layoutOf(path: string): DataFolder {
  return {
    path,
    engine: join(path, "engine"),
    keys: join(path, KEYS),
    processes: join(path, "processes"),
    sandbox: join(path, "sandbox"),
    settings: join(path, "settings.json"),
  };
}

function secretPath(folder: DataFolder): string {
  return join(folder.keys, SECRET);
}

/** @throws AtelierError `FolderUnusable` when it is ours but cannot be used by us */
async function isMarked(folder: DataFolder): Promise<boolean> {
  const format = await readMarker(join(folder.path, MARKER));
  if (format === undefined) return false;
  if (format !== FORMAT) {
    throw unusable(
      `${folder.path} has format ${format}, but this Atelier knows ${FORMAT}; use the newer Atelier.`,
    );
  }
  // The secret is written before the marker: where it is missing now, it was lost.
  await files.access(secretPath(folder)).catch((error: unknown) => {
    if (!["ENOENT", "ENOTDIR"].includes(faultCode(error))) throw error;
    throw unusable(
      `The key ${secretPath(folder)} is missing; restore it from a backup of the folder.`,
      error,
    );
  });
  return true;
}

/** First the secret, then the marker: whoever is killed in between has begun a folder that the next one completes. */
async function makeOurs(
  writer: FileWriter,
  folder: DataFolder,
  { clock, randomBytes }: { clock: Clock; randomBytes: RandomBytes },
): Promise<void> {
  const stranger = await strangerIn(folder);
  // Another process may have finished the very same folder between the two looks.
  if (stranger !== undefined) {
    if (await isMarked(folder)) return;
    throw unusable(
      `${folder.path} holds other things ("${stranger}"); give an empty or a new folder with --data.`,
    );
  }
  await ensureFolder(files, folder.keys);
  await putFileIfAbsent(writer, secretPath(folder), randomBytes(SECRET_BYTES));
  const marker = { format: FORMAT, created: new Date(clock()).toISOString() };
  const text = `${JSON.stringify(marker, null, 2)}\n`;
  await putFileIfAbsent(writer, join(folder.path, MARKER), Buffer.from(text));
}

/** A name that does not belong into a folder whose making was begun; temporary files are those of its makers. */
async function strangerIn(folder: DataFolder): Promise<string | undefined> {
  const foreign = (names: readonly string[], known: string) =>
    names.find((name) => !isTemporary(name) && name !== known);
  const names = await files.readdir(folder.path);
  const other = foreign(names, KEYS);
  if (other !== undefined || !names.includes(KEYS)) return other;
  const key = foreign(await files.readdir(folder.keys), SECRET);
  return key === undefined ? undefined : join(KEYS, key);
}

async function readMarker(marker: string): Promise<number | undefined> {
  let text: string;
  try {
    text = await files.readFile(marker, "utf8");
  } catch (error) {
    if (faultCode(error) === "ENOENT") return undefined;
    throw error;
  }
  try {
    return markerSchema.parse(JSON.parse(text)).format;
  } catch (error) {
    throw unusable(`${marker} is not Atelier's; give another folder with --data.`, error);
  }
}

function unusable(message: string, cause?: unknown): AtelierError {
  return new AtelierError("FolderUnusable", message, { cause });
}
