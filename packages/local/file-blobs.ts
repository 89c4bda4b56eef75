/**
 * @module Blobs as ordinary files: a person can open the folder and look. A file under its key is always whole.
 *
 * Beside the visible tree, `.meta/` mirrors it: for each file a folder of the same name with `{sha256}.json` (key,
 * size, type), written before the file becomes visible. The name carries the checksum because two writers, or a killed
 * one and its successor, may each leave a side file for one key: the visible bytes decide which of them counts.
 */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import * as nodeFiles from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";
import { AtelierError, isAtelierError } from "@atelier/core/errors";
import type { Clock, RandomBytes } from "@atelier/core/ids";
import type { BlobHead, Blobs } from "@atelier/core/ports";
import * as z from "zod";
import { blobPath, isFileName, prefixFolders } from "./blob-path.ts";
import { OWN_NAMES } from "./data-folder.ts";
import { faultCode, storageFault } from "./storage-fault.ts";
import {
  createFileWriter,
  ensureFolder,
  type FileCalls,
  isLeftover,
  isTemporary,
  LEFTOVER_AGE_MS,
  publishIfAbsent,
  replaceFile,
  writeTemporary,
} from "./whole-file.ts";

const META = ".meta";
const FILE_MODE = 0o600;

const headSchema = z.object({
  key: z.string(),
  bytes: z.int().nonnegative(),
  sha256: z.string().length(64),
  contentType: z.string(),
});

/**
 * The port `Blobs` on a folder. Files are synced before they become visible.
 *
 * `copy` makes an independent file (a copy-on-write clone where the file system has them) and no hard link: somebody
 * who edits one picture in place must not change the other.
 *
 * @param deps.files the file system; only tests give another one than `node:fs/promises`
 * @throws AtelierError (from its methods) `StorageFull`, `FolderUnusable`, `StorageUnavailable`, `BlobConflict`,
 * `UsageError` for a key that no store takes
 */
export function createFileBlobs(deps: {
  folder: string;
  randomBytes: RandomBytes;
  files?: FileCalls;
}): Blobs {
  const { folder } = deps;
  const writer = createFileWriter(deps.randomBytes, deps.files);
  const { files } = writer;

  async function put(key: string, bytes: Uint8Array, contentType: string): Promise<BlobHead> {
    const wanted = { key, bytes: bytes.length, sha256: sha256Of(bytes), contentType };
    const standing = await head(key);
    if (standing) return sameOrConflict(wanted, standing);
    const target = pathOf(key);
    return guarded(target, async () => {
      await ensureFolder(files, dirname(target));
      return publish(wanted, await writeTemporary(writer, dirname(target), bytes, FILE_MODE));
    });
  }

  async function copy(fromKey: string, toKey: string): Promise<BlobHead> {
    const source = await head(fromKey);
    if (!source) throw unavailable(`${pathOf(fromKey)} is to be copied, but does not exist.`);
    const wanted = { ...source, key: toKey };
    const standing = await head(toKey);
    if (standing) return sameOrConflict(wanted, standing);
    const target = pathOf(toKey);
    return guarded(target, async () => {
      await ensureFolder(files, dirname(target));
      return publish(wanted, await copyToTemporary(source, dirname(target)));
    });
  }

  async function get(key: string): Promise<{ head: BlobHead; bytes: Uint8Array } | undefined> {
    const path = pathOf(key);
    return guarded(path, async () => {
      const bytes = await readOrUndefined(path);
      if (!bytes) return undefined;
      const sha256 = sha256Of(bytes);
      const heads = await sideFiles(key);
      if (heads.length === 0) return undefined;
      const found = heads.find((candidate) => candidate.sha256 === sha256);
      if (!found) throw damaged(path);
      return { head: found, bytes };
    });
  }

  async function head(key: string): Promise<BlobHead | undefined> {
    const path = pathOf(key);
    return guarded(path, async () => {
      // The file first: once it is visible, its side file is there.
      const size = await files.stat(path).then(
        (stat) => (stat.isFile() ? stat.size : undefined),
        (error: unknown) => absent(error),
      );
      if (size === undefined) return undefined;
      const heads = await sideFiles(key);
      if (heads.length > 1) return (await get(key))?.head;
      if (heads[0] && heads[0].bytes !== size) throw damaged(path);
      return heads[0];
    });
  }

  async function* list(prefix: string): AsyncIterable<BlobHead> {
    for await (const key of keysBelow(join(folder, META, ...prefixFolders(prefix)))) {
      if (!key.startsWith(prefix)) continue;
      const found = await head(key);
      if (found) yield found;
    }
  }

  async function remove(key: string): Promise<void> {
    const path = pathOf(key);
    const side = sideFolder(key);
    await guarded(path, async () => {
      // The picture first: what is left after a kill is a side file of nothing, which nobody sees.
      await files.unlink(path).catch((error: unknown) => absent(error));
      for (const name of await files.readdir(side).catch((error: unknown) => absent(error) ?? [])) {
        await files.unlink(join(side, name)).catch((error: unknown) => absent(error));
      }
      for (const folderPath of [side, dirname(side), dirname(path)]) await removeIfEmpty(folderPath);
    });
  }

  /** An empty folder of an image that is gone tells nothing but its id; one that others fill is left alone. */
  async function removeIfEmpty(path: string): Promise<void> {
    if (path === folder || path === join(folder, META)) return;
    await files.rmdir(path).catch((error: unknown) => {
      if (!["ENOENT", "ENOTEMPTY", "EEXIST", "EPERM", "ENOTDIR"].includes(faultCode(error))) throw error;
    });
  }

  /** Makes the temporary file visible with its side file. */
  async function publish(wanted: BlobHead, temporary: string): Promise<BlobHead> {
    const target = pathOf(wanted.key);
    const side = join(sideFolder(wanted.key), `${wanted.sha256}.json`);
    try {
      await ensureFolder(files, dirname(side));
      await replaceFile(writer, side, Buffer.from(`${JSON.stringify(wanted)}\n`), FILE_MODE);
    } catch (error) {
      await files.unlink(temporary).catch(() => {});
      throw error;
    }
    if (await publishIfAbsent(writer, temporary, target)) return wanted;
    const standing = await readOrUndefined(target);
    if (standing && sha256Of(standing) === wanted.sha256) return wanted;
    // Or it would vouch for a file that is not ours.
    await files.unlink(side).catch(() => {});
    throw conflict(target);
  }

  async function copyToTemporary(source: BlobHead, targetFolder: string): Promise<string> {
    const from = pathOf(source.key);
    const temporary = join(targetFolder, writer.temporaryName());
    try {
      await files.copyFile(from, temporary, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
      const file = await files.open(temporary, "r+");
      try {
        if (sha256Of(await file.readFile()) !== source.sha256) throw damaged(from);
        await file.sync();
      } finally {
        await file.close();
      }
      return temporary;
    } catch (error) {
      await files.unlink(temporary).catch(() => {});
      throw error;
    }
  }

  async function sideFiles(key: string): Promise<BlobHead[]> {
    const side = sideFolder(key);
    const heads: BlobHead[] = [];
    for await (const written of headsIn(side)) {
      if (written?.key !== key) throw damaged(side);
      heads.push(written);
    }
    return heads;
  }

  async function* headsIn(side: string): AsyncIterable<BlobHead | undefined> {
    const names = await files.readdir(side).catch((error: unknown) => absent(error) ?? []);
    for (const name of names.filter((candidate) => !isTemporary(candidate))) {
      // Whoever lost a race takes its side file away again.
      const bytes = await readOrUndefined(join(side, name));
      if (bytes) yield parseHead(Buffer.from(bytes).toString("utf8"));
    }
  }

  async function* keysBelow(start: string): AsyncIterable<string> {
    const entries = await files
      .readdir(start, { withFileTypes: true })
      .catch((error: unknown) => absent(error) ?? []);
    for (const entry of entries.filter((candidate) => candidate.isDirectory())) {
      const path = join(start, entry.name);
      if (!isFileName(entry.name)) {
        yield* keysBelow(path);
        continue;
      }
      for await (const written of headsIn(path)) {
        if (!written) continue;
        yield written.key;
        break;
      }
    }
  }

  async function readOrUndefined(path: string): Promise<Uint8Array | undefined> {
    return files.readFile(path).catch((error: unknown) => absent(error));
  }

  function pathOf(key: string): string {
    return join(folder, ...blobPath(key));
  }

  function sideFolder(key: string): string {
    return join(folder, META, ...blobPath(key));
  }

  return { put, get, head, copy, list, remove };
}

/**
 * Removes what killed runs left half-written: temporary files of dead processes of this machine, and any older than an
 * hour; side files of that age whose file is not there. Meant for the start of whoever hosts the folder; needs no waiting for, since such files are invisible anyway.
 *
 * @returns how many were removed
 */
export async function removeLeftovers(deps: {
  folder: string;
  clock: Clock;
  files?: FileCalls;
}): Promise<number> {
  const files = deps.files ?? nodeFiles;
  const skipped = new Set<string>(OWN_NAMES.map((name) => join(deps.folder, name)));
  const nowMs = deps.clock();
  let removed = 0;

  const meta = join(deps.folder, META) + sep;
  const statOf = (path: string) => files.stat(path).catch((error: unknown) => absent(error));

  async function isOver(folder: string, name: string): Promise<boolean> {
    const isSide = folder.startsWith(meta);
    if (!isTemporary(name) && !isSide) return false;
    // Its writer may finish or another sweep may come first: a file that is gone is what we want.
    const stat = await statOf(join(folder, name));
    if (!stat) return false;
    if (isTemporary(name)) return isLeftover(name, stat.mtimeMs, nowMs);
    const isOld = nowMs - stat.mtimeMs > LEFTOVER_AGE_MS;
    return isOld && !(await statOf(join(deps.folder, relative(meta, folder))));
  }

  async function sweep(folder: string): Promise<void> {
    for (const entry of await files.readdir(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && !skipped.has(path)) await sweep(path);
      if (!entry.isFile() || !(await isOver(folder, entry.name))) continue;
      await files.unlink(path).catch((error: unknown) => absent(error));
      removed++;
      // The folder of a side file is named after its file; one that holds another stays.
      if (folder.startsWith(meta)) await files.rmdir(folder).catch(() => undefined);
    }
  }

  await guarded(deps.folder, () => sweep(deps.folder));
  return removed;
}

function sameOrConflict(wanted: BlobHead, standing: BlobHead): BlobHead {
  if (wanted.sha256 === standing.sha256) return standing;
  throw conflict(wanted.key);
}

function conflict(where: string): AtelierError {
  return new AtelierError("BlobConflict", `Another file stands at ${where} already; it was left alone.`);
}

function damaged(path: string): AtelierError {
  return unavailable(`${path} is not as it was written; restore ${basename(path)} from a backup.`);
}

function unavailable(message: string): AtelierError {
  return new AtelierError("StorageUnavailable", message);
}

/** `undefined` for something that is not there; every other error goes on. */
function absent(error: unknown): undefined {
  if (faultCode(error) !== "ENOENT") throw error;
  return undefined;
}

async function guarded<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isAtelierError(error)) throw error;
    throw linksRefused(error)
      ? new AtelierError("FolderUnusable", `The file system of ${path} has no hard links; use another one.`, {
          cause: error,
        })
      : storageFault(error, path);
  }
}

function linksRefused(error: unknown): boolean {
  const call = error instanceof Error && "syscall" in error ? error.syscall : undefined;
  return call === "link" && ["EPERM", "ENOTSUP", "ENOSYS", "EOPNOTSUPP"].includes(faultCode(error));
}

function parseHead(text: string): BlobHead | undefined {
  try {
    return headSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
