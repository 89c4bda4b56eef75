/** @module Files in memory: the port `Blobs` without a disk; it passes the contract of the port. */
import { AtelierError } from "@atelier/core/errors";
import { sha256Hex } from "@atelier/core/ids";
import type { BlobHead, Blobs } from "@atelier/core/ports";

interface Kept {
  readonly head: BlobHead;
  readonly bytes: Uint8Array;
}

export interface MemoryBlobs extends Blobs {
  /** Requests so far, by name: what S3 would bill. */
  readonly requests: Record<"put" | "get" | "head" | "copy", number>;
}

/** @param forgets true: the bytes of finished folders are not needed again and only their checksums are kept */
export function createMemoryBlobs(forgets: (key: string) => boolean = () => false): MemoryBlobs {
  const files = new Map<string, Kept>();
  const requests = { put: 0, get: 0, head: 0, copy: 0 };

  function write(key: string, bytes: Uint8Array, contentType: string): BlobHead {
    if (key === "" || Buffer.byteLength(key) > 1_024 || !key.isWellFormed()) {
      throw new AtelierError("UsageError", `The key "${key.slice(0, 80)}" is one that no store takes.`);
    }
    const sha256 = sha256Hex(bytes);
    const standing = files.get(key);
    if (standing && standing.head.sha256 !== sha256) {
      throw new AtelierError("BlobConflict", `Another file stands under ${key}.`);
    }
    if (standing) return standing.head;
    const head = { key, bytes: bytes.byteLength, sha256, contentType };
    files.set(key, { head, bytes: forgets(key) ? new Uint8Array(0) : Uint8Array.from(bytes) });
    return head;
  }

  return {
    requests,
    async put(key, bytes, contentType) {
      requests.put++;
      return write(key, bytes, contentType);
    },
    async get(key) {
      requests.get++;
      const kept = files.get(key);
      return kept && { head: kept.head, bytes: Uint8Array.from(kept.bytes) };
    },
    async head(key) {
      requests.head++;
      return files.get(key)?.head;
    },
    async copy(fromKey, toKey) {
      requests.copy++;
      const kept = files.get(fromKey);
      if (!kept) throw new AtelierError("StorageUnavailable", `There is no file ${fromKey} to copy.`);
      return write(toKey, kept.bytes, kept.head.contentType);
    },
    async remove(key) {
      files.delete(key);
    },
    async *list(prefix) {
      for (const key of [...files.keys()].sort()) {
        const kept = files.get(key);
        if (kept && key.startsWith(prefix)) yield kept.head;
      }
    },
  };
}
