/**
 * @module Makes a data folder out of an exported library: beside the one that is wanted, from files and records that are held
 * against their checksums as they are read, and under its name only once everything is there and the chains of the audit were held against their entries.
 */
import { randomBytes as unpredictable } from "node:crypto";
import * as files from "node:fs/promises";
import { join } from "node:path";
import { createAudit } from "@atelier/aws/dynamo/audit";
import { createDynamo, type Dynamo } from "@atelier/aws/dynamo/client";
import { kindOfItem } from "@atelier/aws/dynamo/item-kinds";
import { TABLE_DEFINITION } from "@atelier/aws/dynamo/table-definition";
import { type ChainProof, verifyChain } from "@atelier/core/audit-chain";
import { verifyAudit } from "@atelier/core/audit-trail";
import { AtelierError } from "@atelier/core/errors";
import type { Clock, RandomBytes } from "@atelier/core/ids";
import type { Library, LibraryItem, LibraryReport } from "@atelier/core/library";
import type { Audit } from "@atelier/core/ports";
import { type DataFolder, isUnmade, prepareDataFolder } from "./data-folder.ts";
import { openEngine } from "./engine.ts";
import { createFileBlobs } from "./file-blobs.ts";
import { checkStop, publishFolder, sha256Of, stagedBeside, writeNew } from "./library-files.ts";
import { libraryFiles, libraryItems, missingFiles, ownFilesOf, readLibrary } from "./library-read.ts";
import { faultCode, storageFault } from "./storage-fault.ts";
import { TABLE_NAME } from "./table-name.ts";
import { ensureFolder } from "./whole-file.ts";

const SECRET = "secret";
/** One BatchWriteItem. */
const CHUNK_ITEMS = 25;

export interface ImportOptions {
  /** The exported library; absolute. */
  readonly from: string;
  /** Where the data folder shall be: a folder that does not exist or is empty; absolute. */
  readonly to: string;
  /** Where the keys of a library are that was exported without them; absolute. */
  readonly keysFolder?: string;
  readonly signal?: AbortSignal;
}

export interface ImportReport extends LibraryReport {
  /** Whether prompts, reasons and removed pictures can be read and recognised. */
  readonly has_keys: boolean;
  /** `broken`: subjects whose chain does not hold, which it did not where the library comes from either. */
  readonly audit: { readonly subjects: number; readonly entries: number; readonly broken: readonly string[] };
}

/**
 * @returns the report of the library, with `path` of the new data folder
 * @throws AtelierError `UsageError` for a folder that holds something, `FolderUnusable` for what is no library, a newer one, or keys
 *   of another one, `StorageUnavailable` for a damaged one, `StorageFull`, `Cancelled`; nothing is left of a failed import
 */
export async function importLibrary(
  options: ImportOptions,
  deps: { readonly clock: Clock; readonly randomBytes: RandomBytes },
): Promise<ImportReport> {
  const { from, to, signal } = options;
  const library = await readLibrary(from);
  if (!(await isUnmade(to))) {
    throw new AtelierError("UsageError", `${to} is not empty; give a new or an empty folder with --data.`);
  }
  const keys = await keysFor(library, options);
  const staged = await stagedBeside(to, "importing", deps.randomBytes);
  try {
    const folder = await prepareFolder(staged, { library, from, keys }, deps);
    const blobs = createFileBlobs({ folder: folder.path, randomBytes: deps.randomBytes });
    for await (const { key, content, content_type } of libraryFiles(from, library)) {
      checkStop(signal);
      await blobs.put(key, content, content_type);
    }
    const audit = await fillTable(folder, { library, from, hasKeys: keys !== null, signal }, deps);
    const missing = await missingFiles(from, library);
    await publishFolder(staged, to);
    return { ...library, path: to, missing_files: missing.first, has_keys: keys !== null, audit };
  } catch (error) {
    await files.rm(staged, { recursive: true, force: true });
    throw storageFault(error, to);
  }
}

/** `importLibrary` with this machine's clock and randomness. */
export function importLibraryHere(options: ImportOptions): Promise<ImportReport> {
  return importLibrary(options, {
    clock: () => Date.now(),
    randomBytes: (size) => new Uint8Array(unpredictable(size)),
  });
}

/** Null where there are none. @throws AtelierError `FolderUnusable` for other keys than the library's */
async function keysFor(
  library: Library,
  { from, keysFolder }: ImportOptions,
): Promise<ReadonlyMap<string, Uint8Array> | null> {
  if (library.with_keys) return ownFilesOf(from, "keys", library.keys);
  if (keysFolder === undefined) return null;
  const found = new Map<string, Uint8Array>();
  for (const { name, sha256 } of library.keys) {
    const bytes = await files.readFile(join(keysFolder, name)).catch((error: unknown) => {
      if (["ENOENT", "ENOTDIR"].includes(faultCode(error))) return undefined;
      throw storageFault(error, keysFolder);
    });
    if (!bytes || sha256Of(bytes) !== sha256) {
      throw new AtelierError(
        "FolderUnusable",
        `${keysFolder} does not hold this library's ${name}; give the folder with its keys with --keys.`,
      );
    }
    found.set(name, bytes);
  }
  return found;
}

/** A data folder with the library's keys (or new ones), settings and events. */
async function prepareFolder(
  staged: string,
  given: { library: Library; from: string; keys: ReadonlyMap<string, Uint8Array> | null },
  deps: { clock: Clock; randomBytes: RandomBytes },
): Promise<DataFolder> {
  await ensureFolder(files, staged);
  const secret = given.keys?.get(SECRET);
  // The secret makes the folder: it comes before the marker.
  if (secret) await writeNew(join(staged, "keys", SECRET), secret);
  const folder = await prepareDataFolder({ path: staged, ...deps });
  for (const [name, bytes] of given.keys ?? []) {
    if (name !== SECRET) await writeNew(join(folder.keys, name), bytes);
  }
  for (const [name, bytes] of await ownFilesOf(given.from, "folder", given.library.folder)) {
    await writeNew(join(folder.path, name), bytes);
  }
  return folder;
}

async function fillTable(
  folder: DataFolder,
  given: { library: Library; from: string; hasKeys: boolean; signal: AbortSignal | undefined },
  deps: { clock: Clock; randomBytes: RandomBytes },
): Promise<ImportReport["audit"]> {
  const faults: unknown[] = [];
  const table = { TableName: TABLE_NAME, ...TABLE_DEFINITION };
  const engine = await openEngine({
    dataFolder: folder,
    table,
    ...deps,
    onFault: (fault) => faults.push(fault),
  });
  try {
    const dynamo = createDynamo({ client: engine.client, tableName: TABLE_NAME });
    for await (const chunk of chunksOf(libraryItems(given.from, given.library))) {
      checkStop(given.signal);
      // What nobody can open any more would stand in the way of what can be read.
      await dynamo.putMany(given.hasKeys ? chunk : chunk.filter((item) => kindOfItem(item) !== "prompt"));
    }
    return await auditOf(dynamo);
  } finally {
    await engine.close();
  }
}

async function auditOf(dynamo: Dynamo): Promise<ImportReport["audit"]> {
  let [subjects, entries] = [0, 0];
  const broken: string[] = [];
  const audit = createAudit(dynamo);
  for await (const found of verifyAudit(null, { audit })) {
    const proof = found.problems.length === 0 ? found : await withNewest(found.subject, audit);
    subjects += 1;
    entries += proof.entries;
    if (proof.problems.length > 0) broken.push(proof.subject);
  }
  return { subjects, entries, broken };
}

/** The proof once the entry that the head holds is in its place: the export came between the two writes of a new one. */
async function withNewest(subject: string, audit: Audit): Promise<ChainProof> {
  const { head } = await audit.chainOf(subject);
  if (head) await audit.write(head);
  return verifyChain(await audit.chainOf(subject));
}

async function* chunksOf(items: AsyncIterable<LibraryItem>): AsyncGenerator<LibraryItem[]> {
  let chunk: LibraryItem[] = [];
  for await (const item of items) {
    chunk.push(item);
    if (chunk.length < CHUNK_ITEMS) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}
