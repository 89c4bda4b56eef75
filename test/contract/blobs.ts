/** @module What every implementation of the port `Blobs` does; run it in a test file with a way to open one. */
import { sha256Hex } from "@atelier/core/ids";
import type { BlobHead, Blobs } from "@atelier/core/ports";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

export interface OpenedBlobs {
  readonly blobs: Blobs;
  close(): Promise<void>;
}

/** @param open a new, empty store each time */
export function describeBlobs(name: string, open: () => Promise<OpenedBlobs>): void {
  describe(`Blobs: ${name}`, () => {
    let opened: OpenedBlobs;
    let blobs: Blobs;
    beforeEach(async () => {
      opened = await open();
      blobs = opened.blobs;
    });
    afterEach(() => opened.close());

    it("gives back what was put, with size, checksum and type", async () => {
      const bytes = Buffer.from("a picture");
      const key = "originals/feet/2026/11/img_1/img_1-1-0.png";
      const head: BlobHead = { key, bytes: 9, sha256: sha256Hex(bytes), contentType: "image/png" };

      expect(await blobs.put(key, bytes, "image/png")).toStrictEqual(head);
      expect(await blobs.head(key)).toStrictEqual(head);
      const got = await blobs.get(key);
      expect(got?.head).toStrictEqual(head);
      expect(Buffer.from(got?.bytes ?? []).equals(bytes)).toBe(true);
    });

    it("keeps an empty file", async () => {
      await blobs.put("incoming/empty.bin", new Uint8Array(0), "application/octet-stream");
      const got = await blobs.get("incoming/empty.bin");
      expect(got?.bytes.length).toBe(0);
      expect(got?.head.sha256).toBe(sha256Hex(""));
    });

    it("knows nothing of keys that were never put", async () => {
      await blobs.put("content/a/b.png", Buffer.from("x"), "image/png");
      for (const key of ["content/a/c.png", "content/a", "content/a/b.png/c.png", "content"]) {
        expect(await blobs.get(key)).toBeUndefined();
        expect(await blobs.head(key)).toBeUndefined();
      }
    });

    it("takes the same bytes again and refuses others", async () => {
      const first = await blobs.put("content/a.png", Buffer.from("one"), "image/png");
      expect(await blobs.put("content/a.png", Buffer.from("one"), "image/png")).toStrictEqual(first);
      await expect(blobs.put("content/a.png", Buffer.from("two"), "image/png")).rejects.toMatchObject({
        name: "BlobConflict",
      });
      expect(Buffer.from((await blobs.get("content/a.png"))?.bytes ?? []).toString()).toBe("one");
    });

    it("lets one of several racing writers win, and all of those with the same bytes", async () => {
      const texts = ["same", "same", "other", "third", "same", "other"];
      const results = await Promise.allSettled(
        texts.map((text) => blobs.put("content/race.png", Buffer.from(text), "image/png")),
      );
      const got = await blobs.get("content/race.png");
      const winner = Buffer.from(got?.bytes ?? []).toString();
      for (const [index, result] of results.entries()) {
        if (texts[index] === winner) expect(result).toMatchObject({ status: "fulfilled", value: got?.head });
        else expect(result).toMatchObject({ status: "rejected", reason: { name: "BlobConflict" } });
      }
    });

    it("copies under the same rules", async () => {
      await blobs.put("incoming/a.png", Buffer.from("one"), "image/png");
      await blobs.put("incoming/b.png", Buffer.from("two"), "image/png");
      const copied = await blobs.copy("incoming/a.png", "originals/a.png");

      expect(copied).toStrictEqual({
        key: "originals/a.png",
        bytes: 3,
        sha256: sha256Hex("one"),
        contentType: "image/png",
      });
      expect(Buffer.from((await blobs.get("originals/a.png"))?.bytes ?? []).toString()).toBe("one");
      expect(await blobs.copy("incoming/a.png", "originals/a.png")).toStrictEqual(copied);
      await expect(blobs.copy("incoming/b.png", "originals/a.png")).rejects.toMatchObject({
        name: "BlobConflict",
      });
      await expect(blobs.copy("incoming/missing.png", "originals/c.png")).rejects.toMatchObject({
        name: "StorageUnavailable",
      });
      expect(await blobs.head("originals/c.png")).toBeUndefined();
    });

    it("lists by the beginning of the key, wherever it is cut", async () => {
      const keys = ["content/feet/1.png", "content/feet/2.png", "content/feetish/3.png", "incoming/4.png"];
      for (const key of keys) await blobs.put(key, Buffer.from(key), "image/png");

      expect(await keysOf(blobs.list(""))).toStrictEqual([...keys].sort());
      expect(await keysOf(blobs.list("content/feet/"))).toStrictEqual(keys.slice(0, 2));
      expect(await keysOf(blobs.list("content/feet"))).toStrictEqual(keys.slice(0, 3));
      expect(await keysOf(blobs.list("content/feet/2"))).toStrictEqual([keys[1]]);
      expect(await keysOf(blobs.list("content/feet/2.png"))).toStrictEqual([keys[1]]);
      expect(await keysOf(blobs.list("quarantine/"))).toStrictEqual([]);
    });

    it("removes one file and no other, as often as it is asked, and takes the key again", async () => {
      const keys = [
        "content/a/v1/full.png",
        "content/a/v1/full.png.json",
        "content/a/v1/full",
        "content/a/v2/full.png",
      ];
      for (const key of keys) await blobs.put(key, Buffer.from(key), "image/png");
      await blobs.remove("content/a/v1/full.png");
      await blobs.remove("content/a/v1/full.png");
      await blobs.remove("content/never/was.png");
      expect(await blobs.get("content/a/v1/full.png")).toBeUndefined();
      expect(await blobs.head("content/a/v1/full.png")).toBeUndefined();
      expect(await keysOf(blobs.list(""))).toStrictEqual(keys.slice(1).sort());
      await blobs.put("content/a/v1/full.png", Buffer.from("another"), "image/jpeg");
      expect(await blobs.head("content/a/v1/full.png")).toMatchObject({
        bytes: 7,
        contentType: "image/jpeg",
      });
      for (const key of keys) await blobs.remove(key);
      expect(await keysOf(blobs.list(""))).toStrictEqual([]);
    });

    it("keeps different keys apart, however odd they are", async () => {
      await fc.assert(
        fc.asyncProperty(fc.uniqueArray(oddKey, { minLength: 2, maxLength: 6 }), async (keys) => {
          const store = await open();
          try {
            for (const key of keys) await store.blobs.put(key, Buffer.from(key), "text/plain");
            for (const key of keys) {
              expect(Buffer.from((await store.blobs.get(key))?.bytes ?? []).toString()).toBe(key);
            }
            expect(await keysOf(store.blobs.list(""))).toStrictEqual([...keys].sort());
          } finally {
            await store.close();
          }
        }),
        { numRuns: 25 },
      );
    });

    it("refuses keys that no store takes", async () => {
      for (const key of ["", "x".repeat(1025), "é".repeat(513), "a\ud800"]) {
        await expect(blobs.put(key, Buffer.from("x"), "text/plain")).rejects.toMatchObject({
          name: "UsageError",
        });
      }
    });
  });
}

/** Keys out of the pieces that file systems stumble over. */
export const oddKey: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "..",
        ".",
        "/",
        "//",
        "A",
        "a",
        "%",
        "%2e",
        "con",
        ".png",
        "~",
        "%~",
        "\0",
        "\\",
        "é",
        "e\u0301",
      ),
      fc.constantFrom("engine", "atelier.json", ".meta", ".tmp-", "content", "x".repeat(210), " ", ":", "🙂"),
      fc.string({ unit: "binary", minLength: 1, maxLength: 4 }),
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((pieces) => pieces.join(""))
  .filter((key) => key.isWellFormed() && Buffer.byteLength(key) <= 1024 && !hasControl(key));

/** Listings of S3 are XML, which carries no control characters but tab and newline; our keys have none. */
function hasControl(key: string): boolean {
  return [...key].some((character) => character !== "\0" && character < " ");
}

async function keysOf(heads: AsyncIterable<BlobHead>): Promise<string[]> {
  const keys: string[] = [];
  for await (const head of heads) keys.push(head.key);
  return keys.sort();
}
