/**
 * @module The keys of a data folder that what people wrote is encrypted with: `keys/prompts-{n}.key`, 32 random bytes each, for
 * their owner alone, written whole and never changed. The highest n encrypts, all of them decrypt. Without a key, what it
 * encrypted is lost: that is what they are for.
 */
import * as files from "node:fs/promises";
import { join } from "node:path";
import { createTextVault } from "@atelier/aws/prompt-encryption";
import { type RawTextKey, rawTextKeys } from "@atelier/aws/prompt-encryption-raw";
import { AtelierError } from "@atelier/core/errors";
import type { RandomBytes } from "@atelier/core/ids";
import type { TextVault } from "@atelier/core/ports";
import type { DataFolder } from "./data-folder.ts";
import { storageFault } from "./storage-fault.ts";
import { createFileWriter, putFileIfAbsent } from "./whole-file.ts";

export interface PromptKeyDeps {
  readonly folder: Pick<DataFolder, "keys">;
  readonly randomBytes: RandomBytes;
}

const NAME = /^prompts-(\d{1,9})\.key$/;
const KEY_BYTES = 32;

/**
 * The vault under all keys of the folder; makes the first key where there is none. Several processes may do so at once. A key
 * that another process adds later is read when a text under it is met.
 *
 * @throws AtelierError `FolderUnusable` for a damaged key, one that others may read, or a folder without rights, `StorageFull`,
 * `StorageUnavailable`
 */
export async function openTextVault(deps: PromptKeyDeps): Promise<TextVault> {
  if ((await keyNumbers(deps)).length === 0) await putKey(1, deps);
  let numbers = await keyNumbers(deps);
  let vault = createTextVault(rawTextKeys(await readKeys(numbers, deps)));

  /** Again with the keys that came since, if any did. */
  async function withNewKeys<T>(work: (vault: TextVault) => Promise<T>): Promise<T> {
    try {
      return await work(vault);
    } catch (error) {
      const found = await keyNumbers(deps);
      if (found.length === numbers.length) throw error;
      vault = createTextVault(rawTextKeys(await readKeys(found, deps)));
      numbers = found;
      return work(vault);
    }
  }

  return {
    seal: (about, text, rating) => vault.seal(about, text, rating),
    open: (about, sealed) => withNewKeys((current) => current.open(about, sealed)),
    reseal: (about, sealed) => withNewKeys((current) => current.reseal(about, sealed)),
  };
}

/**
 * Adds a key, which encrypts from the next opening on. What is under older keys is still read; `renew` of the prompt vault brings
 * it under the new one.
 *
 * @returns its number
 * @throws AtelierError as `openTextVault`
 */
export async function rotatePromptKey(deps: PromptKeyDeps): Promise<number> {
  let number = Math.max(0, ...(await keyNumbers(deps))) + 1;
  while (!(await putKey(number, deps))) number += 1;
  return number;
}

/** The newest first. */
async function keyNumbers({ folder }: PromptKeyDeps): Promise<number[]> {
  const names = await files.readdir(folder.keys).catch((error: unknown) => {
    throw storageFault(error, folder.keys);
  });
  return names
    .flatMap((name) => NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .toSorted((one, other) => other - one);
}

/** False when another process was quicker. */
async function putKey(number: number, deps: PromptKeyDeps): Promise<boolean> {
  const path = pathOf(number, deps);
  const key = deps.randomBytes(KEY_BYTES);
  return putFileIfAbsent(createFileWriter(deps.randomBytes), path, key, 0o600).catch((error: unknown) => {
    throw storageFault(error, path);
  });
}

function readKeys(numbers: readonly number[], deps: PromptKeyDeps): Promise<RawTextKey[]> {
  return Promise.all(
    numbers.map(async (number) => {
      const path = pathOf(number, deps);
      const [key, { mode }] = await Promise.all([files.readFile(path), files.stat(path)]).catch(
        (error: unknown) => {
          throw storageFault(error, path);
        },
      );
      if (key.length !== KEY_BYTES) {
        throw unusable(`has ${key.length} bytes instead of ${KEY_BYTES}; restore it from a backup`, path);
      }
      // Windows knows no such modes and always answers 0666.
      if (process.platform !== "win32" && (mode & 0o077) !== 0) {
        throw unusable(`can be read by others; make it your own with \`chmod 600\``, path);
      }
      return { name: `prompts-${number}`, key };
    }),
  );
}

function unusable(what: string, path: string): AtelierError {
  return new AtelierError("FolderUnusable", `The key ${path} ${what}.`);
}

function pathOf(number: number, { folder }: PromptKeyDeps): string {
  return join(folder.keys, `prompts-${number}.key`);
}
