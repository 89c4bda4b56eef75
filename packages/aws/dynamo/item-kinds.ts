/** @module What kind of record an item of the table is, by its key (see the table in `keys.ts`). */
import type { StoredKind } from "@atelier/core/schema-versions";
import type { Key } from "./keys.ts";

/** The first that both parts of a key begin with decides. */
const KINDS: readonly (readonly [pk: string, sk: string, kind: StoredKind])[] = [
  ["IMAGES#", "IMAGE#", "image"],
  ["IMAGES#", "ATTEMPT#", "attempt"],
  ["IMAGES#", "PROMPT#", "prompt"],
  ["IMAGES#", "REVIEW#", "review"],
  ["IMAGES#", "VERSION#", "version"],
  ["FINGERPRINT#", "", "fingerprint"],
  ["OP#", "OP", "operation claim"],
  ["REQUEST#", "REQUEST", "request"],
  ["REQUEST#", "PART#", "part"],
  ["OCCURRENCE#", "", "occurrence"],
  ["LEDGER#", "", "ledger"],
  ["AUDIT#", "", "audit entry"],
  ["PACING#", "", "pacing"],
  ["BLOCKED-PICTURES", "", "blocked picture"],
  ["ATTESTATIONS#terms", "", "terms attestation"],
  ["ATTESTATIONS#age", "", "age attestation"],
  ["CALLERS", "", "caller"],
  ["EXECUTION#", "", "execution"],
];

/** Null for entries that are keys and nothing else, such as those of tags, and for what this program does not know. */
export function kindOfItem({ pk, sk }: Key): StoredKind | null {
  return KINDS.find(([ofPk, ofSk]) => pk.startsWith(ofPk) && sk.startsWith(ofSk))?.[2] ?? null;
}
