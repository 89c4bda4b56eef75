/** @module A private folder for the socket: its path is short whatever the data folder's is, and only we may enter. */
import { lstat, mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sha256Hex } from "@atelier/core/ids";
import { faultCode } from "./storage-fault.ts";

/** The shortest `sun_path` among our systems (macOS, 104 bytes) with its closing zero; Linux takes 108. */
const SOCKET_PATH_BYTES_MAX = 103;
const SOCKET_NAME = "engine.sock";

/**
 * Makes the folder, 0700, named by a hash of the data folder's real path. Only the holder of the store's lock calls
 * this, and tells the others where it is.
 *
 * @param temporary where temporary files go; the system's folder unless told
 * @returns the socket's path, which may be that of a dead process's socket
 */
export async function prepareSocketPath(dataPath: string, temporary: string = tmpdir()): Promise<string> {
  const user = process.getuid?.() ?? 0;
  const name = `atelier-${user}-${sha256Hex(dataPath).slice(0, 24)}`;
  const fits = Buffer.byteLength(join(temporary, name, SOCKET_NAME)) <= SOCKET_PATH_BYTES_MAX;
  const parent = fits ? temporary : "/tmp";
  const wanted = join(parent, name);
  try {
    await mkdir(wanted, { mode: 0o700 });
  } catch (error) {
    if (faultCode(error) !== "EEXIST") throw error;
  }
  const found = await lstat(wanted);
  // Somebody else may have taken the name in a folder that all may write to; then ours has a name nobody can foresee.
  const isPrivate = found.isDirectory() && found.uid === user && (found.mode & 0o077) === 0;
  return join(isPrivate ? wanted : await mkdtemp(join(parent, "atelier-")), SOCKET_NAME);
}
