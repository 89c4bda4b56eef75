/** @module The provider's own manifest: whether it goes along as an ingredient of ours. */
import type { OpenPicture, Provenance } from "@atelier/core/ports";
import { mayHoldManifest, readManifests } from "./c2pa-read.ts";

/** A provider's file that came with a manifest. */
export interface MarkedOriginal {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
}

export type Parent =
  | ({ readonly kind: "kept" } & MarkedOriginal)
  /** It stays with the original alone, which is never served. */
  | { readonly kind: "withheld" };

/** Null when the file has no manifest: its bytes need not be kept. */
export function markedOriginal(bytes: Uint8Array, format: OpenPicture["format"]): MarkedOriginal | null {
  return mayHoldManifest(bytes) ? { bytes, mediaType: `image/${format}` } : null;
}

/**
 * Damaged manifests are none. A manifest that no longer fits its picture is kept: the library writes down that it did not.
 * No file of a rated picture may hold its prompt, and providers write prompts into manifests, so those of rated
 * pictures are kept only when there is no place in them where one could stand.
 */
export async function parentOf(
  original: MarkedOriginal | null,
  rating: Provenance["rating"],
): Promise<Parent | null> {
  if (original === null) return null;
  const reading = await readManifests(original.bytes, original.mediaType);
  if (reading.kind !== "read") return null;
  if (rating !== "general" && mayHoldText(reading.everything)) return { kind: "withheld" };
  return { kind: "kept", ...original };
}

/** Assertions whose fields are all known; those of hashes have no room for words. */
const KNOWN_ASSERTIONS = /^(c2pa\.(actions|ingredient|soft-binding)|(c2pa|cawg)\.training-mining)\b/;
const HASH_ASSERTIONS = /^c2pa\.hash\./;

/** Fields that hold names of software and of keys, ids, hashes and words of C2PA's own; the checks are the library's words. */
const KNOWN_FIELDS: ReadonlySet<string> = new Set([
  ...["claim_generator", "claim_generator_info", "softwareAgent", "signature_info"],
  ...["active_manifest", "label", "instance_id", "document_id", "url", "hash", "alg", "pad"],
  ...["action", "digitalSourceType", "when", "relationship", "format"],
  ...["validation_status", "validation_results", "validation_state"],
]);

/** Longer texts may be prompts: those sent to a provider for a rated picture state an adult age, at least. */
const WORDS_MAX = 3;
const CHARACTERS_MAX = 60;

function mayHoldText(value: unknown): boolean {
  if (typeof value === "string") {
    const words = value.match(/\p{L}+/gu) ?? [];
    return words.length > WORDS_MAX || value.length > CHARACTERS_MAX;
  }
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return value.some(mayHoldText);
  if ("label" in value && HASH_ASSERTIONS.test(String(value.label))) return false;
  return isForeign(value) || Object.entries(value).some(([key, inner]) => mayHoldField(key, inner));
}

function mayHoldField(key: string, value: unknown): boolean {
  if (KNOWN_FIELDS.has(key)) return false;
  // Keyed by the manifests' labels.
  if (key === "manifests" && typeof value === "object") return Object.values(value ?? {}).some(mayHoldText);
  return mayHoldText([key, value]);
}

/** An assertion that we do not know, or a file within the file: a thumbnail with metadata, a prompt as an input. */
function isForeign(value: object): boolean {
  if ("label" in value && "data" in value) return !KNOWN_ASSERTIONS.test(String(value.label));
  return "identifier" in value && "format" in value && value.format !== "application/c2pa";
}
