/**
 * @module The keys of a data folder that sign where pictures come from: `keys/provenance-{n}.pem`, each a private key and its
 * certificates, written whole and never changed. The highest n signs; older ones stay, since nothing else proves that
 * they were ours. Files that they signed hold the certificates themselves.
 */
import * as files from "node:fs/promises";
import { join } from "node:path";
import { AtelierError } from "@atelier/core/errors";
import type { Clock, RandomBytes } from "@atelier/core/ids";
import type { ProvenanceSigner } from "@atelier/core/pictures";
import { createPemSigner } from "@atelier/imaging/c2pa-pem-signer";
import { createTestKey } from "@atelier/imaging/c2pa-test-certificate";
import type { DataFolder } from "./data-folder.ts";
import { storageFault } from "./storage-fault.ts";
import { createFileWriter, putFileIfAbsent } from "./whole-file.ts";

export interface ProvenanceKeyDeps {
  readonly folder: Pick<DataFolder, "keys">;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
}

const NAME = /^provenance-(\d{1,9})\.pem$/;

/**
 * The newest key's signer; makes the first key where there is none. Several processes may do so at once.
 *
 * @throws AtelierError `FolderUnusable` for a damaged key or a folder without rights, `StorageFull`, `StorageUnavailable`
 */
export async function openProvenanceSigner(deps: ProvenanceKeyDeps): Promise<ProvenanceSigner> {
  const numbers = await keyNumbers(deps);
  if (numbers.length === 0) await putKey(1, deps);
  return signerOf(pathOf(Math.max(1, ...numbers), deps));
}

/**
 * Adds a key that signs from the next opening on; what older ones signed stays valid.
 *
 * @returns the new key's signer
 * @throws AtelierError as `openProvenanceSigner`
 */
export async function rotateProvenanceKey(deps: ProvenanceKeyDeps): Promise<ProvenanceSigner> {
  let number = Math.max(0, ...(await keyNumbers(deps))) + 1;
  while (!(await putKey(number, deps))) number += 1;
  return signerOf(pathOf(number, deps));
}

async function keyNumbers({ folder }: ProvenanceKeyDeps): Promise<number[]> {
  const names = await files.readdir(folder.keys).catch((error: unknown) => {
    throw storageFault(error, folder.keys);
  });
  return names.flatMap((name) => NAME.exec(name)?.[1] ?? []).map(Number);
}

/** False when another process was quicker. */
async function putKey(number: number, deps: ProvenanceKeyDeps): Promise<boolean> {
  const path = pathOf(number, deps);
  const { privateKeyPem, certificateChainPem } = createTestKey(deps);
  // Together in one file: a key without its certificates, or theirs without it, cannot be left behind.
  const text = Buffer.from(privateKeyPem + certificateChainPem);
  return putFileIfAbsent(createFileWriter(deps.randomBytes), path, text, 0o600).catch((error: unknown) => {
    throw storageFault(error, path);
  });
}

async function signerOf(path: string): Promise<ProvenanceSigner> {
  const text = await files.readFile(path, "utf8").catch((error: unknown) => {
    throw storageFault(error, path);
  });
  const certificates = text.indexOf("-----BEGIN CERTIFICATE-----");
  try {
    return createPemSigner({
      privateKeyPem: text.slice(0, Math.max(0, certificates)),
      certificateChainPem: text.slice(Math.max(0, certificates)),
    });
  } catch (cause) {
    throw new AtelierError(
      "FolderUnusable",
      `The key ${path} is damaged; restore it from a backup of the folder, or move it away to have another one made.`,
      { cause },
    );
  }
}

function pathOf(number: number, { folder }: ProvenanceKeyDeps): string {
  return join(folder.keys, `provenance-${number}.pem`);
}
