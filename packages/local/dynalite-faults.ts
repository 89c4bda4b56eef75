/** @module Faults of LevelDB as errors of the table. */
import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import { AtelierError } from "@atelier/core/errors";
import { faultCode } from "./storage-fault.ts";

/** The store's own failure as an error of the table. */
export function storeFault(error: unknown, folder: string): AtelierError {
  const text = error instanceof Error ? error.message : String(error);
  const options = { cause: error };
  if (/No space left|ENOSPC|Disk quota|EDQUOT|File too large|EFBIG/i.test(text)) {
    return new AtelierError("StorageFull", `There is no space left for ${folder}; free some.`, options);
  }
  if (/Permission denied|not permitted|Read-only|ENOTDIR|EACCES|EPERM|EROFS/i.test(text)) {
    return new AtelierError(
      "FolderUnusable",
      `The database in ${folder} cannot be written (${text}); give a folder that you may write with --data.`,
      options,
    );
  }
  // LevelDB names what it looked for: files that its own files promise, or a file in a folder's place.
  if (/Corruption|checksum|does not exist|No such file|Is a directory|\/$/i.test(text))
    return damaged(folder, error);
  return new AtelierError("StorageUnavailable", `The database in ${folder} failed (${text}).`, options);
}

export function damaged(folder: string, cause?: unknown): AtelierError {
  return new AtelierError(
    "FolderUnusable",
    `The database in ${folder} is damaged; restore the data folder from a backup (the pictures under content/ and originals/ are untouched).`,
    { cause },
  );
}

/**
 * Where CURRENT is missing, LevelDB makes a new database and deletes the tables that it finds. Of a store that is just
 * being made CURRENT is there before the first log, and it is only ever replaced by renaming: hence the second look.
 */
export async function hasLostItsHead(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch((): string[] => []);
  if (names.includes("CURRENT") || !names.some((name) => /\.(log|ldb)$/.test(name))) return false;
  return access(join(folder, "CURRENT")).then(
    () => false,
    (error: unknown) => faultCode(error) === "ENOENT",
  );
}
