import fc from "fast-check";
import { expect, test } from "vitest";
import { hammingDistance, NEAR_DUPLICATE_DISTANCE, nearestDuplicate } from "./fingerprint.ts";

const ZERO = "0000000000000000";
const FAR = "ffffffff00000000";
const hash = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((bits) => bits.toString(16).padStart(16, "0"));

test("counts the bits that differ", () => {
  expect(hammingDistance(ZERO, ZERO)).toBe(0);
  expect(hammingDistance(ZERO, "8000000000000001")).toBe(2);
  expect(hammingDistance("f0f0f0f0f0f0f0f0", "0f0f0f0f0f0f0f0f")).toBe(64);
});

test("is a metric", () => {
  fc.assert(
    fc.property(hash, hash, hash, (a, b, c) => {
      expect(hammingDistance(a, b)).toBe(hammingDistance(b, a));
      expect(hammingDistance(a, b) === 0).toBe(a === b);
      expect(hammingDistance(a, c)).toBeLessThanOrEqual(hammingDistance(a, b) + hammingDistance(b, c));
    }),
  );
});

const own = { dhash: ZERO, mirrored: FAR };
const other = (imageId: string, dhash: string) => ({
  imageId,
  fingerprint: { dhash, mirrored: "00ff00ff00ff00ff" },
});

test("finds the nearest, straight or mirrored, the first of equals", () => {
  const near = other("near", "0000000000000007");
  const nearer = other("nearer", "0000000000000001");
  const equal = other("equal", "0000000000000100");
  expect(nearestDuplicate(own, [near, nearer, equal])).toEqual({
    imageId: "nearer",
    distance: 1,
    mirrored: false,
  });
  expect(nearestDuplicate(own, [near, other("flop", "ffffffff00000001")])).toEqual({
    imageId: "flop",
    distance: 1,
    mirrored: true,
  });
});

test("the threshold itself is a duplicate, one more is none", () => {
  const bits = (count: number) => (2n ** BigInt(count) - 1n).toString(16).padStart(16, "0");
  expect(nearestDuplicate(own, [other("at", bits(NEAR_DUPLICATE_DISTANCE))])?.imageId).toBe("at");
  expect(nearestDuplicate(own, [other("over", bits(NEAR_DUPLICATE_DISTANCE + 1))])).toBeNull();
  expect(nearestDuplicate(own, [])).toBeNull();
});
