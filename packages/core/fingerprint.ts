/** @module Near-duplicates: distances between the difference hashes that `imaging` takes. */
import type { Fingerprint } from "./image.ts";

/**
 * Up to this many of 64 bits differ between re-encodings of one picture (measured: 0 to 2 for JPEG, AVIF, scaling and
 * brightness; unrelated pictures 32 to 38). A crop of 5 % at each side is beyond it.
 */
export const NEAR_DUPLICATE_DISTANCE = 8;

/** How many bits differ between two hashes of 16 hexadecimal digits: 0 to 64. */
export function hammingDistance(one: string, other: string): number {
  let difference = BigInt(`0x${one}`) ^ BigInt(`0x${other}`);
  let bits = 0;
  for (; difference > 0n; difference &= difference - 1n) bits++;
  return bits;
}

export interface Duplicate {
  readonly imageId: string;
  readonly distance: number;
  /** The other picture is this one, mirrored. */
  readonly mirrored: boolean;
}

/**
 * The nearest of the others within `NEAR_DUPLICATE_DISTANCE`, mirrored or not, or null. Of equally near ones the first
 * counts. The picture itself must not be among them.
 */
export function nearestDuplicate(
  fingerprint: Fingerprint,
  others: readonly { readonly imageId: string; readonly fingerprint: Fingerprint }[],
): Duplicate | null {
  let nearest: Duplicate | null = null;
  for (const { imageId, fingerprint: other } of others) {
    const straight = hammingDistance(fingerprint.dhash, other.dhash);
    const flopped = hammingDistance(fingerprint.mirrored, other.dhash);
    const distance = Math.min(straight, flopped);
    if (distance > NEAR_DUPLICATE_DISTANCE) continue;
    if (nearest === null || distance < nearest.distance) {
      nearest = { imageId, distance, mirrored: flopped < straight };
    }
  }
  return nearest;
}
