/**
 * @module Variations of a template: which slot values and which seed the n-th picture of a batch gets. Everything is
 * derived from the request's seed by SHA-256, so every machine comes to the same prompts, and any index can be asked
 * for without those before it.
 */
import { createHash } from "node:crypto";
import type { SlotValue, Template } from "./catalogue.ts";

export interface Variation {
  /** Slot name to the words chosen. */
  readonly slots: Readonly<Record<string, string>>;
  /** The template's tags, then those of the values, each once. */
  readonly tags: readonly string[];
  /** 1 to 2^31 - 2; no two indexes of a seed have the same. */
  readonly seed: number;
}

/** Seeds go from 1 to 2^31 - 2: zero means "random" to some models, and others refuse more than 31 bits. */
const SEED_COUNT = 0x7ffffffen;

/** How many different prompts the template can give. */
export function combinationsOf(template: Pick<Template, "slots">): bigint {
  return Object.values(template.slots).reduce((product, values) => product * BigInt(values.length), 1n);
}

/**
 * The variation at an index (from 0) of the sequence that belongs to the seed. No combination of slot values comes
 * twice before all have come; then a new round begins, in another order and with other image seeds.
 */
export function variationAt(template: Template, seed: number, index: number): Variation {
  const combinations = combinationsOf(template);
  const round = BigInt(index) / combinations;
  let combination = permuted(
    BigInt(index) % combinations,
    combinations,
    `combination\n${template.name}\n${seed}\n${round}`,
  );
  const slots: Record<string, string> = {};
  const tags = new Set(template.tags);
  // By name, not by place in the file: a file with its slots in another order gives the same prompts.
  for (const name of Object.keys(template.slots).sort()) {
    const values = template.slots[name] ?? [];
    const value: SlotValue | undefined = values[Number(combination % BigInt(values.length))];
    combination /= BigInt(values.length);
    if (value === undefined) continue;
    slots[name] = value.text;
    for (const tag of value.tags) tags.add(tag);
  }
  return { slots, tags: [...tags], seed: imageSeedAt(seed, index) };
}

/**
 * The image seed at an index of a batch. A permutation of the whole seed space rather than a hash: two of 100,000
 * hashes would share one of the 2^31 seeds more often than not, and a permutation never does.
 */
export function imageSeedAt(seed: number, index: number): number {
  return Number(permuted(BigInt(index) % SEED_COUNT, SEED_COUNT, `seed\n${seed}`)) + 1;
}

/**
 * A keyed permutation of 0 … size - 1: a balanced Feistel network over the next even number of bits, applied again
 * while the result lies outside (cycle walking; fewer than four times on average). Black and Rogaway, "Ciphers with
 * Arbitrary Finite Domains", 2002.
 */
function permuted(position: bigint, size: bigint, key: string): bigint {
  const halfBits = BigInt(Math.max(1, Math.ceil((size - 1n).toString(2).length / 2)));
  const mask = (1n << halfBits) - 1n;
  let value = position;
  do {
    let left = value >> halfBits;
    let right = value & mask;
    for (let round = 0; round < FEISTEL_ROUNDS; round++) {
      const mixed = createHash("sha256").update(`${key}\n${round}\n${right}`).digest();
      const word = BigInt(`0x${mixed.toString("hex")}`);
      [left, right] = [right, left ^ (word & mask)];
    }
    value = (left << halfBits) | right;
  } while (value >= size);
  return value;
}

/** Four rounds make a Feistel network a pseudorandom permutation (Luby and Rackoff); six give small domains a margin. */
const FEISTEL_ROUNDS = 6;
