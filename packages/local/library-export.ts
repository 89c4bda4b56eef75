/**
 * @module Exports a library: the records as they stood at one moment, then the files, which never change once they are there.
 * A record is written after the files that it names, so the files of that moment are all found; what others make in
 * the meantime is in neither. It is as if the machine had been switched off at that moment, and `resume` goes on from there.
 */
import * as files from "node:fs/promises";
import { isAbsolute, join, relative } from "node:path";
import { kindOfItem } from "@atelier/aws/dynamo/item-kinds";
import { AtelierError } from "@atelier/core/errors";
import type { Clock, RandomBytes } from "@atelier/core/ids";
import {
  FOLDER_NAMES,
  imageOnItsWay,
  isOfMachine,
  isTakenAlong,
  KEY_NAME,
  LIBRARY_FORMAT,
  type Library,
  type LibraryFile,
  type LibraryItem,
  type LibraryReport,
  type OwnFile,
  openSandboxJob,
} from "@atelier/core/library";
import type { Blobs } from "@atelier/core/ports";
import type { StoredItem } from "@atelier/core/schema-versions";
import { blobPath } from "./blob-path.ts";
import { isUnmade } from "./data-folder.ts";
import { writeJsonLines } from "./json-lines.ts";
import {
  checkStop,
  LIBRARY_PATHS,
  publishFolder,
  sha256Of,
  stagedBeside,
  writeNew,
} from "./library-files.ts";
import { missingFiles } from "./library-read.ts";
import manifest from "./package.json" with { type: "json" };
import { faultCode, storageFault } from "./storage-fault.ts";
import { ensureFolder } from "./whole-file.ts";

export interface ExportDeps {
  /** Of the data folder; absolute. */
  readonly dataFolder: string;
  snapshot(): AsyncIterable<StoredItem>;
  readonly blobs: Pick<Blobs, "get" | "list">;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
}

export interface ExportOptions {
  /** False leaves the keys out: without them no prompt, no reviewer's reason and no removed picture is known again. */
  readonly withKeys: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Writes a library beside the target and gives it its name once it is whole: what is cut off is never taken for one.
 *
 * @param target absolute; a folder that does not exist, or is empty
 * @throws AtelierError `UsageError` for a target that holds something, `StorageUnavailable` for a file that is not as it was
 *   written, `StorageFull`, `FolderUnusable`, `Cancelled`
 */
export async function exportLibrary(
  target: string,
  options: ExportOptions,
  deps: ExportDeps,
): Promise<LibraryReport> {
  const fromFolder = relative(deps.dataFolder, target);
  if (!fromFolder.startsWith("..") && !isAbsolute(fromFolder)) {
    throw new AtelierError("UsageError", `${target} is in the data folder; give one beside it.`);
  }
  if (!(await isUnmade(target))) {
    throw new AtelierError("UsageError", `${target} is not empty; give a new or an empty folder.`);
  }
  const staged = await stagedBeside(target, "exporting", deps.randomBytes);
  try {
    await ensureFolder(files, staged);
    const written = await writeContents(staged, options, deps);
    const missing = await missingFiles(staged, written);
    const library: Library = { ...written, missing: missing.count };
    await writeNew(join(staged, LIBRARY_PATHS.library), Buffer.from(`${JSON.stringify(library, null, 2)}\n`));
    await publishFolder(staged, target);
    return { ...library, path: target, missing_files: missing.first };
  } catch (error) {
    await files.rm(staged, { recursive: true, force: true });
    throw storageFault(error, target);
  }
}

/** Everything but `library.json`. */
async function writeContents(staged: string, options: ExportOptions, deps: ExportDeps) {
  const madeAt = new Date(deps.clock()).toISOString();
  const kinds: Record<string, number> = {};
  const onTheirWay = new Set<string>();
  const openJobs: string[] = [];
  async function* records(): AsyncGenerator<StoredItem> {
    for await (const item of deps.snapshot()) {
      checkStop(options.signal);
      const kind = kindOfItem(item as LibraryItem);
      if (isOfMachine(kind, item)) continue;
      const counted = kind ?? "index entry";
      kinds[counted] = (kinds[counted] ?? 0) + 1;
      const imageId = imageOnItsWay(kind, item);
      if (imageId !== null) onTheirWay.add(imageId);
      const job = openSandboxJob(kind, item);
      if (job !== null) openJobs.push(job);
      yield item;
    }
  }
  const recordLines = await writeJsonLines(join(staged, LIBRARY_PATHS.records), records());

  let bytes = 0;
  async function* copied(): AsyncGenerator<LibraryFile> {
    for await (const { key } of deps.blobs.list("")) {
      checkStop(options.signal);
      if (!isTakenAlong(key, onTheirWay)) continue;
      // Read whole and held against its checksum; one that was removed since it was listed is no part of the library.
      const blob = await deps.blobs.get(key);
      if (!blob) continue;
      await writeNew(join(staged, LIBRARY_PATHS.files, ...blobPath(key)), blob.bytes);
      bytes += blob.head.bytes;
      yield { key, bytes: blob.head.bytes, sha256: blob.head.sha256, content_type: blob.head.contentType };
    }
  }
  const fileLines = await writeJsonLines(join(staged, LIBRARY_PATHS.tableOfFiles), copied());

  const keysFolder = join(deps.dataFolder, "keys");
  const keyNames = (await files.readdir(keysFolder)).filter((name) => KEY_NAME.test(name)).sort();
  return {
    format: LIBRARY_FORMAT,
    made_at: madeAt,
    made_by: manifest.version,
    records: { ...recordLines, kinds },
    files: { count: fileLines.count, bytes, sha256: fileLines.sha256 },
    folder: await ownFiles(
      deps.dataFolder,
      [...FOLDER_NAMES, ...(await sandboxJobs(deps.dataFolder, openJobs))],
      join(staged, LIBRARY_PATHS.folder),
    ),
    keys: await ownFiles(keysFolder, keyNames, options.withKeys ? join(staged, LIBRARY_PATHS.keys) : null),
    with_keys: options.withKeys,
  } as const;
}

/** Files of the jobs: an operation is the provider's own, but names its job. */
async function sandboxJobs(dataFolder: string, operations: readonly string[]): Promise<string[]> {
  if (operations.length === 0) return [];
  const names = await files.readdir(join(dataFolder, "sandbox", "predictions"));
  return names
    .filter((name) => /^[a-z0-9]{1,64}\.json$/.test(name))
    .filter((name) => operations.some((operation) => operation.includes(name.slice(0, -".json".length))))
    .map((name) => `sandbox/predictions/${name}`);
}

/** Copies those that are there. @param to null: only says what they are */
async function ownFiles(from: string, names: readonly string[], to: string | null): Promise<OwnFile[]> {
  const found: OwnFile[] = [];
  for (const name of names) {
    const bytes = await files.readFile(join(from, name)).catch((error: unknown) => {
      if (faultCode(error) === "ENOENT") return undefined;
      throw error;
    });
    if (!bytes) continue;
    if (to !== null) await writeNew(join(to, name), bytes);
    found.push({ name, bytes: bytes.length, sha256: sha256Of(bytes) });
  }
  return found;
}
