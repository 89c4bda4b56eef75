/**
 * @module Files that are either whole or not there: written under a temporary name in the same folder, synced, then
 * given their real name. A killed process leaves at most a temporary file, which `isLeftover` recognises.
 */
import * as nodeFiles from "node:fs/promises";
import { dirname, join } from "node:path";
import type { RandomBytes } from "@atelier/core/ids";
import { machineName, sightProcess } from "./process-identity.ts";
import { faultCode } from "./storage-fault.ts";

/** The calls that can run out of space or meet a fault; tests replace them one by one. */
export type FileCalls = Pick<
  typeof nodeFiles,
  "open" | "link" | "rename" | "unlink" | "rmdir" | "mkdir" | "copyFile" | "readFile" | "readdir" | "stat"
>;

export interface FileWriter {
  readonly files: FileCalls;
  /** A new name, hidden, that says which process writes it. */
  temporaryName(): string;
}

const TEMPORARY = ".tmp-";
export const LEFTOVER_AGE_MS = 60 * 60 * 1000;

export function createFileWriter(randomBytes: RandomBytes, files: FileCalls = nodeFiles): FileWriter {
  const owner = `${TEMPORARY}${machineName()}.${process.pid}.`;
  return { files, temporaryName: () => owner + Buffer.from(randomBytes(8)).toString("hex") };
}

export function isTemporary(name: string): boolean {
  return name.startsWith(TEMPORARY);
}

/**
 * Whether nobody will finish this temporary file: its process on this machine is gone, or it is older than an hour.
 *
 * @param modifiedAtMs when it was last written, on the clock of `nowMs`
 */
export function isLeftover(name: string, modifiedAtMs: number, nowMs: number): boolean {
  if (!isTemporary(name)) return false;
  const [machine, pid] = name.slice(TEMPORARY.length).split(".");
  if (machine === machineName() && !sightProcess(Number(pid)).running) return true;
  return nowMs - modifiedAtMs > LEFTOVER_AGE_MS;
}

/** Writes and syncs a temporary file in `folder`; a failure leaves nothing behind. @returns its path */
export async function writeTemporary(
  { files, temporaryName }: FileWriter,
  folder: string,
  bytes: Uint8Array,
  mode: number,
): Promise<string> {
  const path = join(folder, temporaryName());
  try {
    const file = await files.open(path, "wx", mode);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    return path;
  } catch (error) {
    await files.unlink(path).catch(() => {});
    throw error;
  }
}

/**
 * Gives a temporary file its real name, if that is free. The temporary name goes away in any case.
 *
 * @returns false when the name is taken
 */
export async function publishIfAbsent(
  { files }: FileWriter,
  temporary: string,
  target: string,
): Promise<boolean> {
  try {
    // A link and not a rename: rename replaces what stands there.
    await files.link(temporary, target);
  } catch (error) {
    if (faultCode(error) === "EEXIST") return false;
    throw error;
  } finally {
    await files.unlink(temporary).catch(() => {});
  }
  await syncFolder(files, dirname(target));
  return true;
}

/** Writes a whole file, replacing what stands there. @param mode 0600 unless told */
export async function replaceFile(
  writer: FileWriter,
  target: string,
  bytes: Uint8Array,
  mode = 0o600,
): Promise<void> {
  const temporary = await writeTemporary(writer, dirname(target), bytes, mode);
  try {
    await writer.files.rename(temporary, target);
  } catch (error) {
    await writer.files.unlink(temporary).catch(() => {});
    throw error;
  }
  await syncFolder(writer.files, dirname(target));
}

/** Writes a whole file unless one stands there. @returns false when one does @param mode 0600 unless told */
export async function putFileIfAbsent(
  writer: FileWriter,
  target: string,
  bytes: Uint8Array,
  mode = 0o600,
): Promise<boolean> {
  return publishIfAbsent(writer, await writeTemporary(writer, dirname(target), bytes, mode), target);
}

/**
 * Makes a folder with its parents, so that their names survive a loss of power. Parent by parent: where a system answers
 * ENOENT for a name that cannot be made (under /proc), Node's own recursive `mkdir` asks for ever.
 *
 * @param mode 0700 unless told
 */
export async function ensureFolder(files: FileCalls, folder: string, mode = 0o700): Promise<void> {
  if (await makeFolder(files, folder, mode)) return;
  await ensureFolder(files, dirname(folder), mode);
  if (await makeFolder(files, folder, mode)) return;
  throw Object.assign(new Error(`ENOENT: ${folder} cannot be made`), { code: "ENOENT", path: folder });
}

/** @returns false when the parent is missing */
async function makeFolder(files: FileCalls, folder: string, mode: number): Promise<boolean> {
  try {
    await files.mkdir(folder, { mode });
  } catch (error) {
    if (faultCode(error) === "ENOENT" && dirname(folder) !== folder) return false;
    if (faultCode(error) === "EEXIST" && (await files.stat(folder)).isDirectory()) return true;
    throw error;
  }
  await syncFolder(files, dirname(folder));
  return true;
}

async function syncFolder(files: FileCalls, folder: string): Promise<void> {
  let handle: nodeFiles.FileHandle | undefined;
  try {
    handle = await files.open(folder, "r");
    await handle.sync();
  } catch (error) {
    // Some systems cannot sync a folder; there the name may be lost with the power, the file is never partial.
    if (!["EISDIR", "EPERM", "EACCES", "EINVAL", "ENOTSUP"].includes(faultCode(error))) throw error;
  } finally {
    await handle?.close();
  }
}
