/** @module One file looked at for `atelier verify`: no data folder, and no file is too odd for a sentence. */
import { constants, open } from "node:fs/promises";
import { isAtelierError } from "@atelier/core/errors";
import { FILE_BYTES_MAX } from "@atelier/imaging/limits";
import { type Verification, verifyPicture } from "@atelier/imaging/verify";
import { faultCode } from "./storage-fault.ts";

export type FileVerification =
  | Verification
  /** One sentence that names the file. */
  | { readonly status: "unreadable"; readonly message: string };

/**
 * @param path absolute
 * @param name how messages call it
 */
export async function verifyFile(path: string, name: string): Promise<FileVerification> {
  try {
    const bytes = await readPicture(path);
    return typeof bytes === "string"
      ? { status: "unreadable", message: `${name} ${bytes}` }
      : await verifyPicture(bytes);
  } catch (error) {
    return { status: "unreadable", message: sentenceOf(error, name) };
  }
}

/** The bytes, or what is wrong with the file. */
async function readPicture(path: string): Promise<Uint8Array | string> {
  // A pipe without a writer would be waited for.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = await file.stat();
    if (found.isDirectory()) return "is a folder; give the files in it.";
    if (!found.isFile()) return "is no ordinary file; give a picture.";
    if (found.size > FILE_BYTES_MAX) {
      return `has ${found.size} bytes, but at most ${FILE_BYTES_MAX} are read; give a smaller picture.`;
    }
    return await file.readFile();
  } finally {
    await file.close();
  }
}

const FAULTS: Readonly<Record<string, string>> = {
  ENOENT: "is not there",
  ENOTDIR: "is not there",
  EACCES: "may not be read by you",
  EPERM: "may not be read by you",
  ENAMETOOLONG: "has a name that is too long for a file",
  ELOOP: "is a link that leads back to itself",
};

function sentenceOf(error: unknown, name: string): string {
  // What is let in is decided by the same rules as a provider's output, in its words.
  if (isAtelierError(error, "OutputInvalid")) return error.message.replace(/^The output\b/, name);
  const code = faultCode(error);
  if (code !== "") return `${name} ${FAULTS[code] ?? `cannot be read (${code})`}; check the path.`;
  return `${name} cannot be read: ${error instanceof Error ? error.message : String(error)}`;
}
