/**
 * @module The backup of one machine (`ATELIER_BACKUP`): originals and content are mirrored as they are stored, verified by
 * their hash. A file counts as stored only when its copy is: a backup that cannot be written holds the picture back,
 * and `resume` goes on once it can.
 */
import { AtelierError } from "@atelier/core/errors";
import type { BlobHead, Blobs } from "@atelier/core/ports";

/** What is kept twice: what was bought and what is shown. Quarantine and incoming files are working copies. */
const MIRRORED = ["originals/", "content/"] as const;

/** @returns the blobs, with every file under originals/ and content/ written to the backup as well */
export function mirrored(blobs: Blobs, backup: Blobs): Blobs {
  const isMirrored = (key: string) => MIRRORED.some((prefix) => key.startsWith(prefix));

  async function mirror(head: BlobHead, bytes: Uint8Array): Promise<BlobHead> {
    const copy = await backup.put(head.key, bytes, head.contentType);
    if (copy.sha256 === head.sha256) return head;
    throw new AtelierError(
      "StorageUnavailable",
      `The backup of ${head.key} differs from the file; check the backup folder.`,
    );
  }

  return {
    ...blobs,
    async put(key, bytes, contentType) {
      const head = await blobs.put(key, bytes, contentType);
      return isMirrored(key) ? mirror(head, bytes) : head;
    },
    async copy(fromKey, toKey) {
      const head = await blobs.copy(fromKey, toKey);
      if (!isMirrored(toKey)) return head;
      const blob = await blobs.get(toKey);
      if (!blob) throw new AtelierError("StorageUnavailable", `${toKey} vanished before it was backed up.`);
      return mirror(head, blob.bytes);
    },
    async remove(key) {
      // The copy first: whoever is killed in between still sees the file, and removes it again.
      if (isMirrored(key)) await backup.remove(key);
      await blobs.remove(key);
    },
  };
}
