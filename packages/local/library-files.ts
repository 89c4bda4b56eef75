/** @module The folder of an exported library: where what is, and folders that are whole or not there. */
import { createHash } from "node:crypto";
import * as files from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AtelierError } from "@atelier/core/errors";
import type { RandomBytes } from "@atelier/core/ids";
import { machineName, sightProcess } from "./process-identity.ts";
import { faultCode } from "./storage-fault.ts";
import { ensureFolder } from "./whole-file.ts";

/** See core/library.ts. */
export const LIBRARY_PATHS = {
  library: "library.json",
  records: "records.jsonl",
  tableOfFiles: "files.jsonl",
  files: "files",
  folder: "folder",
  keys: "keys",
} as const;

/** For its owner alone, and on the disk when this returns. */
export async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  await ensureFolder(files, dirname(path));
  const file = await files.open(path, "wx", 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * A hidden name beside the target, so that giving it the target's name moves nothing. It says which process fills the folder:
 * what a killed one left beside this target is removed.
 */
export async function stagedBeside(
  target: string,
  doing: "exporting" | "importing",
  randomBytes: RandomBytes,
): Promise<string> {
  const folder = dirname(target);
  // What cannot be listed or removed stands in nobody's way.
  for (const name of await files.readdir(folder).catch(() => [])) {
    if (!isLeftBeside(target, name)) continue;
    await files.rm(join(folder, name), { recursive: true, force: true }).catch(() => undefined);
  }
  const owner = `${machineName()}.${process.pid}.${Buffer.from(randomBytes(6)).toString("hex")}`;
  return join(folder, `.${basename(target)}.${doing}-${owner}`);
}

/** Of this target, and of a process of this machine that is gone; on other machines nobody can tell. */
function isLeftBeside(target: string, name: string): boolean {
  const start = `.${basename(target)}.`;
  if (!name.startsWith(start)) return false;
  const [, machine, pid] =
    /^(?:exporting|importing)-([a-z0-9-]+)\.([1-9]\d*)\.[0-9a-f]{12}$/.exec(name.slice(start.length)) ?? [];
  return machine === machineName() && !sightProcess(Number(pid)).running;
}

/** @throws AtelierError `UsageError` when somebody has filled the target meanwhile */
export async function publishFolder(staged: string, target: string): Promise<void> {
  // Only an empty one goes away.
  await files.rmdir(target).catch((error: unknown) => {
    if (faultCode(error) === "ENOENT") return;
    if (!["ENOTEMPTY", "EEXIST", "ENOTDIR"].includes(faultCode(error))) throw error;
    throw new AtelierError("UsageError", `${target} was filled meanwhile; give a new or an empty folder.`);
  });
  await files.rename(staged, target);
}

/** @throws AtelierError `Cancelled` */
export function checkStop(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new AtelierError("Cancelled", "The command was stopped on request.");
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
