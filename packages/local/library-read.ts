/** @module Reads an exported library, and believes nothing of it that is not held against its checksum. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import * as files from "node:fs/promises";
import { join } from "node:path";
import { kindOfItem } from "@atelier/aws/dynamo/item-kinds";
import {
  damagedLibrary,
  filesNamedBy,
  type Library,
  type LibraryFile,
  type LibraryItem,
  type LibraryReport,
  type OwnFile,
  parseLibrary,
  parseLibraryFile,
  parseLibraryItem,
} from "@atelier/core/library";
import { broughtForward } from "@atelier/core/schema-versions";
import { blobPath } from "./blob-path.ts";
import { linesOf } from "./json-lines.ts";
import { checkStop, LIBRARY_PATHS, sha256Of } from "./library-files.ts";
import { faultCode, storageFault } from "./storage-fault.ts";

/** So many missing files are named; the others are counted. */
const MISSING_NAMED_MAX = 10;

/** @throws AtelierError `FolderUnusable` for a folder that is no library or a newer one, `StorageUnavailable` for a damaged one */
export async function readLibrary(path: string): Promise<Library> {
  const text = await files.readFile(join(path, LIBRARY_PATHS.library), "utf8").catch((error: unknown) => {
    if (["ENOENT", "ENOTDIR"].includes(faultCode(error))) return "";
    throw storageFault(error, path);
  });
  return parseLibrary(text, path);
}

/**
 * Every record, in the order of the file.
 *
 * @throws AtelierError `StorageUnavailable` (at the end, at the latest) when they are not what was written; `FolderUnusable` for a
 *   record of a newer Atelier
 */
export async function* libraryItems(
  path: string,
  library: Pick<Library, "records">,
): AsyncGenerator<LibraryItem> {
  for await (const line of checkedLines(path, LIBRARY_PATHS.records, library.records)) {
    const item = parseLibraryItem(line, path);
    const kind = kindOfItem(item);
    if (kind !== null) broughtForward(kind, item);
    yield item;
  }
}

/** Every file with its bytes. @throws AtelierError `StorageUnavailable` as soon as one is missing or altered */
export async function* libraryFiles(
  path: string,
  library: Pick<Library, "files">,
): AsyncGenerator<LibraryFile & { readonly content: Uint8Array }> {
  let bytes = 0;
  for await (const line of checkedLines(path, LIBRARY_PATHS.tableOfFiles, library.files)) {
    const file = parseLibraryFile(line, path);
    bytes += file.bytes;
    const content = await checkedBytes(path, join(LIBRARY_PATHS.files, ...blobPath(file.key)), file.sha256);
    yield { ...file, content };
  }
  if (bytes !== library.files.bytes) {
    throw damagedLibrary(`its files have ${bytes} bytes instead of ${library.files.bytes}`, path);
  }
}

/** What stands under `folder/` or `keys/`. @throws AtelierError `StorageUnavailable` for one that is missing or altered */
export async function ownFilesOf(
  path: string,
  under: "folder" | "keys",
  names: readonly OwnFile[],
): Promise<ReadonlyMap<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  for (const { name, sha256 } of names) found.set(name, await checkedBytes(path, join(under, name), sha256));
  return found;
}

/** Files that records name and that the library does not have. */
export async function missingFiles(
  path: string,
  library: Pick<Library, "records">,
): Promise<{ count: number; first: string[] }> {
  let count = 0;
  const first: string[] = [];
  for await (const item of libraryItems(path, library)) {
    for (const key of filesNamedBy(kindOfItem(item), item)) {
      const isThere = await files.access(join(path, LIBRARY_PATHS.files, ...blobPath(key))).then(
        () => true,
        () => false,
      );
      if (isThere) continue;
      count += 1;
      if (first.length < MISSING_NAMED_MAX) first.push(key);
    }
  }
  return { count, first };
}

/**
 * Reads a library from its first byte to its last and holds it against its checksums; nothing is written.
 *
 * @param path absolute
 * @throws AtelierError `FolderUnusable` for no library or a newer one, `StorageUnavailable` for a damaged one, `Cancelled`
 */
export async function verifyLibrary(path: string, signal?: AbortSignal): Promise<LibraryReport> {
  const library = await readLibrary(path);
  for await (const _ of libraryFiles(path, library)) checkStop(signal);
  await ownFilesOf(path, "folder", library.folder);
  if (library.with_keys) await ownFilesOf(path, "keys", library.keys);
  const missing = await missingFiles(path, library);
  return { ...library, path, missing_files: missing.first };
}

async function* checkedLines(
  path: string,
  name: string,
  wanted: { readonly count: number; readonly sha256: string },
): AsyncGenerator<string> {
  const hash = createHash("sha256");
  let count = 0;
  const stream = createReadStream(join(path, name));
  try {
    for await (const line of linesOf(stream, (piece) => hash.update(piece))) {
      count += 1;
      if (count > wanted.count) throw damagedLibrary(`${name} has more lines than were written`, path);
      yield line;
    }
  } catch (error) {
    if (faultCode(error) === "ENOENT") throw damagedLibrary(`${name} is missing`, path);
    throw storageFault(error, join(path, name));
  } finally {
    stream.destroy();
  }
  if (count < wanted.count) {
    throw damagedLibrary(`${name} has ${count} lines instead of ${wanted.count}`, path);
  }
  if (hash.digest("hex") !== wanted.sha256) throw damagedLibrary(`${name} is not as it was written`, path);
}

async function checkedBytes(path: string, name: string, sha256: string): Promise<Uint8Array> {
  const bytes = await files.readFile(join(path, name)).catch((error: unknown) => {
    if (faultCode(error) === "ENOENT") throw damagedLibrary(`${name} is missing`, path);
    throw storageFault(error, join(path, name));
  });
  if (sha256Of(bytes) !== sha256) throw damagedLibrary(`${name} is not as it was written`, path);
  return bytes;
}
