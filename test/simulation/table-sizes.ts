/** @module How large an item is to AWS, which bills by it. */
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { Attributes } from "./table-expressions.ts";

const sizes = new WeakMap<Attributes, number>();

/** As AWS counts: names and texts in UTF-8, numbers by their digits, one for null and truth, three and one more each for nesting. */
export function bytesOf(item: Attributes): number {
  const known = sizes.get(item);
  if (known !== undefined) return known;
  let bytes = 0;
  for (const [name, value] of Object.entries(item)) bytes += Buffer.byteLength(name) + bytesOfValue(value);
  sizes.set(item, bytes);
  return bytes;
}

function bytesOfValue(value: AttributeValue): number {
  if (value.S !== undefined) return Buffer.byteLength(value.S);
  if (value.N !== undefined) return Math.ceil(value.N.length / 2) + 1;
  if (value.L !== undefined) return value.L.reduce((sum, one) => sum + 1 + bytesOfValue(one), 3);
  if (value.M !== undefined) {
    return Object.entries(value.M).reduce(
      (sum, [name, one]) => sum + 1 + Buffer.byteLength(name) + bytesOfValue(one),
      3,
    );
  }
  return 1;
}
