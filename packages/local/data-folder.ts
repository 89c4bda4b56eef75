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
}

const markerSchema = z.object({ format: z.int().positive() });

/**
 * Makes the folder ready: creates it (0700) with marker and secret, or recognises one made before. Several processes
 * may do so at once.
 *
 * @param path as the user gave it, relative to the working directory
 * @throws AtelierError `FolderUnusable` for a file in its place, a folder of something else, a newer format or no right
 * to write; `StorageFull`
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
    await markAsOurs(writer, folder.path, deps.clock());
    await files.access(folder.path, files.constants.W_OK);
    for (const own of [folder.engine, folder.keys, folder.processes, folder.sandbox]) {
      await ensureFolder(files, own);
    }
    await putFileIfAbsent(writer, secretPath(folder), deps.randomBytes(SECRET_BYTES));
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
  return { auditKey: derive("audit"), webhookKey: derive("webhook"), sandboxKey: derive("sandbox") };
}

function layoutOf(path: string): DataFolder {
  return {
    path,
    engine: join(path, "engine"),
    keys: join(path, "keys"),
    processes: join(path, "processes"),
    sandbox: join(path, "sandbox"),
    settings: join(path, "settings.json"),
  };
}

function secretPath(folder: DataFolder): string {
  return join(folder.keys, "secret");
}

async function markAsOurs(writer: FileWriter, path: string, nowMs: number): Promise<void> {
  const marker = join(path, MARKER);
  const written = await readMarker(marker);
  if (written === undefined) {
    // Temporary files are those of another process that is making the very same folder.
    const others = (await files.readdir(path)).filter((name) => !isTemporary(name) && name !== MARKER);
    // Read again: that other process may have finished between the two looks.
    if (others.length > 0 && (await readMarker(marker)) === undefined) {
      throw unusable(
        `${path} holds other things ("${others[0]}"); give an empty or a new folder with --data.`,
      );
    }
    const text = `${JSON.stringify({ format: FORMAT, created: new Date(nowMs).toISOString() }, null, 2)}\n`;
    await putFileIfAbsent(writer, marker, Buffer.from(text));
    return;
  }
  if (written !== FORMAT) {
    throw unusable(`${path} has format ${written}, but this Atelier knows ${FORMAT}; use the newer Atelier.`);
  }
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
