/** @module Turns the operating system's refusals into the names and sentences of the error table. */
import { AtelierError } from "@atelier/core/errors";

const FULL = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);
/** EEXIST: a file stands where a folder must be made. */
const UNUSABLE = new Set([
  "EACCES",
  "EPERM",
  "EROFS",
  "ENOTDIR",
  "EEXIST",
  "EISDIR",
  "ENAMETOOLONG",
  "ELOOP",
]);

/** The system's short name of a fault (`ENOSPC`), or "" when the error carries none. */
export function faultCode(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : "";
}

/**
 * @param error what a call of `node:fs` threw; anything that is no system error comes back as it is
 * @param path what was being written or read, for the message
 * @returns `StorageFull`, `FolderUnusable`, or `StorageUnavailable` for faults that may pass
 */
export function storageFault(error: unknown, path: string): unknown {
  const code = faultCode(error);
  if (!/^E[A-Z0-9]+$/.test(code)) return error;
  if (FULL.has(code)) {
    return new AtelierError("StorageFull", `There is no space left for ${path} (${code}); free some.`, {
      cause: error,
    });
  }
  if (UNUSABLE.has(code)) {
    return new AtelierError(
      "FolderUnusable",
      `${path} cannot be used (${code}); give a folder that you may write with --data.`,
      { cause: error },
    );
  }
  return new AtelierError("StorageUnavailable", `${path} could not be read or written just now (${code}).`, {
    cause: error,
  });
}
