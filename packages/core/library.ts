/**
 * @module What an exported library looks like: a folder that holds everything of a data folder or an installation, with a
 * checksum of every byte.
 *
 *     library.json     what it is, and what the rest must add up to; written last
 *     records.jsonl    every item of the table, one JSON object a line, with its schema number
 *     files.jsonl      key, bytes, SHA-256 and type of every file, one JSON object a line
 *     files/...        the files, where a data folder would have them
 *     folder/...       settings and events of the folder, jobs that run at its sandbox
 *     keys/...         what prompts, reasons and links are read with, unless they were left out
 */
import * as z from "zod";
import { SANDBOX } from "./catalogue.ts";
import { AtelierError } from "./errors.ts";
import { imageStatusSchema, isTerminal } from "./image.ts";
import { broughtForward, type StoredItem, type StoredKind } from "./schema-versions.ts";

export const LIBRARY_FORMAT = 1;

const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);
const countSchema = z.int().nonnegative();

/** A line of `files.jsonl`. */
export const libraryFileSchema = z.object({
  key: z.string().min(1),
  bytes: countSchema,
  sha256: sha256Schema,
  content_type: z.string(),
});
export type LibraryFile = z.infer<typeof libraryFileSchema>;

const ownFileSchema = z.object({ name: z.string(), bytes: countSchema, sha256: sha256Schema });
export type OwnFile = z.infer<typeof ownFileSchema>;

export const librarySchema = z.object({
  format: z.literal(LIBRARY_FORMAT),
  /** RFC 3339 in UTC. */
  made_at: z.iso.datetime(),
  /** The version of Atelier. */
  made_by: z.string(),
  records: z.object({
    count: countSchema,
    sha256: sha256Schema,
    /** How many of each kind; `index entry` for those that are found by and hold nothing. */
    kinds: z.record(z.string(), countSchema),
  }),
  files: z.object({ count: countSchema, bytes: countSchema, sha256: sha256Schema }),
  /** Under `folder/`. */
  folder: z.array(ownFileSchema),
  /** Under `keys/` when `with_keys`; the checksums stand here in any case, so that the right ones are known. */
  keys: z.array(ownFileSchema),
  with_keys: z.boolean(),
  /** Files that records name and the store did not have. */
  missing: countSchema,
});
export type Library = z.infer<typeof librarySchema>;

/** What a command says about a library that was written, checked or read. */
export interface LibraryReport extends Library {
  /** Absolute. */
  readonly path: string;
  /** The first few of the files that are missing, by key. */
  readonly missing_files: readonly string[];
}

/** Names that a library may have under `keys/` and `folder/`, and no others. */
export const KEY_NAME = /^(secret|prompts-\d{1,9}\.key|provenance-\d{1,9}\.pem)$/;
export const FOLDER_NAMES: readonly string[] = ["settings.json", "events.jsonl"];
/** A job at the sandbox, which lives in the folder like a provider of its own. */
const SANDBOX_JOB = /^sandbox\/predictions\/[a-z0-9]{1,64}\.json$/;

/**
 * What the text of `library.json` says.
 *
 * @throws AtelierError `FolderUnusable` for another or a newer format, `StorageUnavailable` for one that is damaged
 */
export function parseLibrary(text: string, path: string): Library {
  const written = jsonOf(text);
  const { format } = z.object({ format: z.unknown() }).catch({ format: undefined }).parse(written);
  if (typeof format === "number" && format > LIBRARY_FORMAT) {
    throw new AtelierError(
      "FolderUnusable",
      `${path} is a library of format ${format}, and this Atelier knows ${LIBRARY_FORMAT}; upgrade Atelier to read it.`,
    );
  }
  if (format !== LIBRARY_FORMAT) {
    throw new AtelierError(
      "FolderUnusable",
      `${path} holds no exported library; give a folder that \`atelier export\` wrote.`,
    );
  }
  const parsed = librarySchema.safeParse(written);
  const issue = parsed.error?.issues[0];
  if (!parsed.success) throw damagedLibrary(`library.json is wrong at ${issue?.path.join(".")}`, path);
  const { folder, keys } = parsed.data;
  const foreign =
    keys.find(({ name }) => !KEY_NAME.test(name)) ??
    folder.find(({ name }) => !FOLDER_NAMES.includes(name) && !SANDBOX_JOB.test(name));
  if (foreign) throw damagedLibrary(`library.json names ${JSON.stringify(foreign.name)}`, path);
  return parsed.data;
}

/** @throws AtelierError `StorageUnavailable` for a line that is none, or a key that leads out of the folder */
export function parseLibraryFile(text: string, path: string): LibraryFile {
  const parsed = libraryFileSchema.safeParse(jsonOf(text));
  if (!parsed.success) throw damagedLibrary("files.jsonl has a line that names no file", path);
  const isOutside = parsed.data.key.split("/").some((part) => part === "" || part === "." || part === "..");
  if (isOutside) {
    throw damagedLibrary(`files.jsonl names ${JSON.stringify(parsed.data.key)}, which leads elsewhere`, path);
  }
  return parsed.data;
}

const itemSchema = z
  .record(z.string(), z.json())
  .and(z.object({ pk: z.string().min(1), sk: z.string().min(1) }));
export type LibraryItem = StoredItem & { readonly pk: string; readonly sk: string };

/** @throws AtelierError `StorageUnavailable` for a line that is no record */
export function parseLibraryItem(text: string, path: string): LibraryItem {
  const parsed = itemSchema.safeParse(jsonOf(text));
  if (!parsed.success) throw damagedLibrary("records.jsonl has a line that is no record", path);
  return parsed.data;
}

export function damagedLibrary(what: string, path: string): AtelierError {
  return new AtelierError("StorageUnavailable", `${path} is damaged: ${what}; export it again.`);
}

/** What belongs to a machine that runs and to nobody else: the executions that are under way there. */
export function isOfMachine(kind: StoredKind | null, item: StoredItem): boolean {
  return kind === "execution" && item.status === "running";
}

const namedSchema = z.object({
  originals: z.array(z.object({ key: z.string() })).default([]),
  renditions: z.array(z.object({ path: z.string() })).default([]),
  manifestKey: z.string().nullable().default(null),
});

/** Keys of the files that a record says there are. */
export function filesNamedBy(kind: StoredKind | null, item: StoredItem): string[] {
  if (kind !== "image" && kind !== "version") return [];
  const { originals, renditions, manifestKey } = namedSchema.parse(broughtForward(kind, item));
  return [
    ...originals.map(({ key }) => key),
    ...renditions.map(({ path }) => path),
    ...(manifestKey === null ? [] : [manifestKey]),
  ];
}

/** The job of an attempt at the sandbox that has not been told the end of. */
export function openSandboxJob(kind: StoredKind | null, item: StoredItem): string | null {
  const isOpen = kind === "attempt" && item.provider === SANDBOX && (item.outcome ?? null) === null;
  return isOpen && typeof item.operation === "string" ? item.operation : null;
}

/** The id of an image that is still on its way: its files under `incoming/` are needed. */
export function imageOnItsWay(kind: StoredKind | null, item: StoredItem): string | null {
  if (kind !== "image") return null;
  const { imageId, status } = z.object({ imageId: z.string(), status: imageStatusSchema }).parse(item);
  return isTerminal(status) ? null : imageId;
}

/** Whether a file is taken along: what was delivered for an image that has ended is filed elsewhere. */
export function isTakenAlong(key: string, onTheirWay: ReadonlySet<string>): boolean {
  const [place, imageId = ""] = key.split("/");
  return place !== "incoming" || onTheirWay.has(imageId);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
