import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sha256Hex } from "./ids.ts";
import { BLOCK_DISTANCE, type BlockedPicture, createPictureBlock } from "./picture-block.ts";

const KEY = Buffer.from("a key for tests");

function blockWith(key: Uint8Array = KEY) {
  const entries: BlockedPicture[] = [];
  const store = { add: async (one: BlockedPicture) => void entries.push(one), all: async () => entries };
  return { entries, block: createPictureBlock(store, key) };
}

const hashArbitrary = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const hex = (bits: bigint) => bits.toString(16).padStart(16, "0");
/** The hash of the mirrored picture is another one altogether. */
const fingerprint = (dhash: bigint, mirrored = ~dhash & (2n ** 64n - 1n)) => ({
  dhash: hex(dhash),
  mirrored: hex(mirrored),
});
const flipped = (hash: bigint, bits: readonly number[]) =>
  bits.reduce((value, bit) => value ^ (1n << BigInt(bit)), hash);

describe("a removed picture", () => {
  test("is recognised for certain up to six bits, straight and mirrored", async () => {
    const bits = fc.uniqueArray(fc.nat(63), { maxLength: BLOCK_DISTANCE });
    await fc.assert(
      fc.asyncProperty(hashArbitrary, bits, fc.boolean(), async (hash, differing, isMirrored) => {
        const { block } = blockWith();
        await block.block("img_a", fingerprint(hash), 1);
        const near = flipped(hash, differing);
        const again = isMirrored ? fingerprint(~near & (2n ** 64n - 1n), near) : fingerprint(near);
        expect(await block.isBlocked(again)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test("is not taken for one that has nothing to do with it", async () => {
    const { block } = blockWith();
    const drawn = (name: string) => BigInt(`0x${sha256Hex(name).slice(0, 16)}`);
    const hashes = Array.from({ length: 20 }, (_, index) => drawn(`removed ${index}`));
    for (const [index, hash] of hashes.entries()) await block.block(`img_${index}`, fingerprint(hash), 1);
    const strangers = Array.from({ length: 500 }, (_, index) => drawn(`stranger ${index}`));
    // A quarter of all bits: far beyond what encoding changes.
    const changed = hashes.map((hash) =>
      flipped(
        hash,
        Array.from({ length: 16 }, (_, bit) => bit * 4),
      ),
    );
    const taken = await Promise.all(
      [...strangers, ...changed].map((hash) => block.isBlocked(fingerprint(hash))),
    );
    expect(taken.filter(Boolean)).toStrictEqual([]);
  });

  test("leaves nothing that its hash could be read from, nor that two entries share", async () => {
    const { block, entries } = blockWith();
    await block.block("img_a", fingerprint(0x0123456789abcdefn), 1);
    await block.block("img_b", fingerprint(0x0123456789abcdefn), 2);
    expect(JSON.stringify(entries)).not.toMatch(/0123456789abcdef|81985529216486895/);
    const [one, other] = entries;
    expect(one?.pieces.filter((piece) => other?.pieces.includes(piece))).toStrictEqual([]);
  });

  test("is not recognised without the key", async () => {
    const { entries, block } = blockWith();
    await block.block("img_a", fingerprint(5n), 1);
    const stranger = createPictureBlock(
      { add: async () => {}, all: async () => entries },
      Buffer.from("other"),
    );
    expect(await stranger.isBlocked(fingerprint(5n))).toBe(false);
    expect(await block.isBlocked(fingerprint(5n))).toBe(true);
  });

  test("is not cleared by a store that does not answer", async () => {
    const down = async () => Promise.reject(new Error("down"));
    const block = createPictureBlock({ add: down, all: down }, KEY);
    await expect(block.isBlocked(fingerprint(5n))).rejects.toThrow("down");
  });
});
