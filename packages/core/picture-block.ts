/**
 * @module Pictures that were removed, recognised when they come again, without keeping what they look like. Of the picture's
 * difference hash (`fingerprint.ts`) its 64 bits are put into an order that only the key knows and cut into 16 pieces of
 * four; what is kept for a piece is drawn by the key and the image it came from. Two pictures are the same when ten pieces are.
 *
 * Six bits that differ spoil six pieces at most, so whatever lies within that distance is found; re-encoding and scaling
 * change none to two. A picture's hash is compared mirrored as well.
 */
import { createHash, createHmac } from "node:crypto";
import * as z from "zod";
import type { Fingerprint } from "./image.ts";

const BITS = 64;
const PIECE_BITS = 4;
const PIECES = BITS / PIECE_BITS;
const PIECES_ALIKE_MIN = 10;
const PIECE_VALUES = 2 ** PIECE_BITS;
/** 48 bits: two pieces are never alike by chance. */
const PIECE_BYTES = 6;
const PIECE_CHARACTERS = 8;

/** Up to so many bits of 64 may differ: the picture is recognised for certain. Beyond, it may be. */
export const BLOCK_DISTANCE = PIECES - PIECES_ALIKE_MIN;

export const blockedPictureSchema = z.strictObject({
  /** The image that was removed; also the salt of its pieces. */
  imageId: z.string().min(1),
  atMs: z.int(),
  pieces: z.array(z.string().length(PIECE_CHARACTERS)).length(PIECES),
});
export type BlockedPicture = z.infer<typeof blockedPictureSchema>;

export interface BlockedPictures {
  /** Idempotent by image. */
  add(picture: BlockedPicture): Promise<void>;
  all(): Promise<readonly BlockedPicture[]>;
}

export interface PictureBlock {
  /** Remembers the picture of an image that is removed. */
  block(imageId: string, fingerprint: Fingerprint, atMs: number): Promise<void>;
  /** Whether a picture that looks like it was removed before. @throws AtelierError `StorageUnavailable`: then nobody knows */
  isBlocked(fingerprint: Fingerprint): Promise<boolean>;
}

/** @param key of this installation: without it nothing can be recognised, nor tried out */
export function createPictureBlock(store: BlockedPictures, key: Uint8Array): PictureBlock {
  const order = bitOrder(key);
  return {
    block: async (imageId, fingerprint, atMs) => {
      const keptOf = keptPieces(imageId, key);
      await store.add({ imageId, atMs, pieces: piecesOf(fingerprint.dhash, order).map(keptOf) });
    },
    isBlocked: async ({ dhash, mirrored }) => {
      const hashes = [piecesOf(dhash, order), piecesOf(mirrored, order)];
      return (await store.all()).some(({ imageId, pieces }) => {
        const keptOf = keptPieces(imageId, key);
        const alike = (values: readonly number[]) =>
          values.filter((value, index) => keptOf(value, index) === pieces[index]).length;
        return hashes.some((values) => alike(values) >= PIECES_ALIKE_MIN);
      });
    },
  };
}

/**
 * What is kept for each value of each piece: 6 bytes of a stream that follows from key and image. One stream for all of them,
 * since a picture is compared with thousands.
 */
function keptPieces(imageId: string, key: Uint8Array): (value: number, index: number) => string {
  const outputLength = PIECES * PIECE_VALUES * PIECE_BYTES;
  const seed = createHmac("sha256", key).update(imageId).digest();
  const stream = createHash("shake256", { outputLength }).update(seed).digest();
  return (value, index) => {
    const at = (index * PIECE_VALUES + value) * PIECE_BYTES;
    return stream.toString("base64url", at, at + PIECE_BYTES);
  };
}

/**
 * Neighbouring bits of a hash are alike in many pictures (a sky, a wall). Spread over the pieces they are not, which makes
 * strangers far less alike.
 */
function bitOrder(key: Uint8Array): readonly number[] {
  const rank = (bit: number) => createHmac("sha256", key).update(`order\n${bit}`).digest("hex");
  return Array.from({ length: BITS }, (_, bit) => ({ bit, rank: rank(bit) }))
    .sort((one, other) => (one.rank < other.rank ? -1 : 1))
    .map(({ bit }) => bit);
}

function piecesOf(hash: string, order: readonly number[]): number[] {
  const bits = BigInt(`0x${hash}`);
  return Array.from({ length: PIECES }, (_, piece) =>
    order
      .slice(piece * PIECE_BITS, (piece + 1) * PIECE_BITS)
      .reduce((value, bit) => value * 2 + Number((bits >> BigInt(bit)) & 1n), 0),
  );
}
