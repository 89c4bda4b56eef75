/** @module Reads CBOR (RFC 8949) of definite lengths: what the tests' own C2PA reader needs, apart from the product's code. */

export type Cbor = number | string | Uint8Array | boolean | null | Cbor[] | CborMap | CborTag;
export interface CborMap {
  readonly map: ReadonlyMap<number | string, Cbor>;
}
export interface CborTag {
  readonly tag: number;
  readonly value: Cbor;
}

/** @throws Error for anything after the first item, and for what is not read here */
export function readCbor(bytes: Uint8Array): Cbor {
  const [value, end] = itemAt(bytes, 0);
  if (end !== bytes.length) throw new Error(`${bytes.length - end} bytes follow the CBOR item`);
  return value;
}

export function field(value: Cbor | undefined, key: number | string): Cbor | undefined {
  return isMap(value) ? value.map.get(key) : undefined;
}

export function isMap(value: Cbor | undefined): value is CborMap {
  return typeof value === "object" && value !== null && "map" in value && value.map instanceof Map;
}

function itemAt(bytes: Uint8Array, at: number): [Cbor, number] {
  const first = byteAt(bytes, at);
  const major = first >> 5;
  const [argument, start] = argumentAt(bytes, at, first & 31);
  const end = start + argument;
  switch (major) {
    case 0:
      return [argument, start];
    case 1:
      return [-1 - argument, start];
    case 2:
    case 3: {
      if (end > bytes.length) throw new Error("the CBOR string is cut");
      const content = bytes.subarray(start, end);
      return [major === 2 ? content : new TextDecoder("utf-8", { fatal: true }).decode(content), end];
    }
    case 4:
      return itemsAt(bytes, start, argument);
    case 5: {
      const [items, after] = itemsAt(bytes, start, argument * 2);
      const map = new Map<number | string, Cbor>();
      for (let index = 0; index < items.length; index += 2) {
        const key = items[index];
        if (typeof key !== "string" && typeof key !== "number") throw new Error("a CBOR key is no text");
        map.set(key, items[index + 1] ?? null);
      }
      return [{ map }, after];
    }
    case 6: {
      const [value, after] = itemAt(bytes, start);
      return [{ tag: argument, value }, after];
    }
    default:
      return [simple(argument), start];
  }
}

function itemsAt(bytes: Uint8Array, start: number, count: number): [Cbor[], number] {
  const items: Cbor[] = [];
  let at = start;
  for (let index = 0; index < count; index++) {
    const [item, after] = itemAt(bytes, at);
    items.push(item);
    at = after;
  }
  return [items, at];
}

function argumentAt(bytes: Uint8Array, at: number, short: number): [number, number] {
  if (short < 24) return [short, at + 1];
  const size = { 24: 1, 25: 2, 26: 4, 27: 8 }[short];
  if (size === undefined) throw new Error(`CBOR of indefinite length at ${at}`);
  let value = 0;
  for (let index = 1; index <= size; index++) value = value * 256 + byteAt(bytes, at + index);
  return [value, at + 1 + size];
}

function simple(value: number): boolean | null {
  if (value === 20 || value === 21) return value === 21;
  if (value === 22) return null;
  throw new Error(`the simple CBOR value ${value}`);
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new Error("the CBOR is cut");
  return byte;
}
