/**
 * @module Where a key lies on disk. Ordinary keys (`content/feet/2026/11/...png`) are their own path; whatever a file
 * system could misread is written as `%` and two hexadecimal digits. Different keys never share a path, not even on
 * file systems that ignore case, and no key leaves the folder.
 */
import { AtelierError } from "@atelier/core/errors";
import { sha256Hex } from "@atelier/core/ids";
import { OWN_NAMES } from "./data-folder.ts";

/** The limit of S3, so that a key which works here works there. */
export const KEY_BYTES_MAX = 1024;

/** Most file systems allow 255 bytes; temporary and side names need none of the rest. */
const NAME_BYTES_MAX = 200;
const KEPT_OF_LONG_NAME = 120;

/** Device names on Windows, with or without an extension. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/;

/**
 * The folders and the file name of a key. A folder's name has no dot and a file's always has one, so a key may also be
 * the beginning of another (`a` and `a/b`).
 *
 * @throws AtelierError `UsageError` for an empty key, one over 1024 bytes of UTF-8, or one that is no valid Unicode
 */
export function blobPath(key: string): string[] {
  const bytes = Buffer.byteLength(key);
  if (bytes === 0 || bytes > KEY_BYTES_MAX || !key.isWellFormed()) {
    throw new AtelierError(
      "UsageError",
      `A storage key has ${bytes} bytes, but must be valid Unicode of 1 to ${KEY_BYTES_MAX} bytes.`,
    );
  }
  const parts = key.split("/");
  const file = fileName(parts.pop() ?? "");
  const names = [...parts.map(folderName), file];
  const first = names[0] ?? "";
  const isOurs = (OWN_NAMES as readonly string[]).includes(first);
  return isOurs ? [escapeFirst(first), ...names.slice(1)] : names;
}

/** The folders that hold every key beginning with `prefix` (and perhaps others). */
export function prefixFolders(prefix: string): string[] {
  // A file name is needed for a whole key; only the folders of it are of interest.
  return blobPath(`${prefix.slice(0, prefix.lastIndexOf("/") + 1)}x`).slice(0, -1);
}

export function isFileName(name: string): boolean {
  return name.includes(".");
}

function folderName(part: string): string {
  return shortened(encoded(part).replaceAll(".", "%2e"));
}

function fileName(part: string): string {
  const name = shortened(encoded(part));
  return isFileName(name) ? name : `${name}.%`;
}

function encoded(part: string): string {
  // "%" alone is written for nothing else: an escape always has two digits after it.
  if (part === "") return "%";
  const plain = part.replace(/[^a-z0-9._-]/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""),
  );
  // Leading dots hide files (and are how ours are hidden); trailing ones vanish on Windows.
  const name = plain.replace(/^\./, "%2e").replace(/\.$/, "%2e");
  return DEVICE.test(name) ? escapeFirst(name) : name;
}

function shortened(name: string): string {
  if (name.length <= NAME_BYTES_MAX) return name;
  // "%~" cannot come from an escape either. The whole key stands in the side file.
  return `${name.slice(0, KEPT_OF_LONG_NAME)}%~${sha256Hex(name)}`;
}

function escapeFirst(name: string): string {
  return `%${name.charCodeAt(0).toString(16).padStart(2, "0")}${name.slice(1)}`;
}
