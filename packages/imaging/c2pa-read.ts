/** @module Reads a file's C2PA manifests and checks them: signature, statements, and that the picture is the one signed. */
import { AtelierError } from "@atelier/core/errors";
import * as z from "zod";
import { c2paEngine } from "./c2pa-engine.ts";

const softwareSchema = z.object({ name: z.string(), version: z.string().nullish() });
const actionSchema = z.object({
  action: z.string(),
  when: z.string().nullish(),
  digitalSourceType: z.string().nullish(),
  softwareAgent: z.union([z.string(), softwareSchema]).nullish(),
});
const manifestSchema = z.object({
  claim_generator: z.string().nullish(),
  claim_generator_info: z.array(softwareSchema).nullish(),
  title: z.string().nullish(),
  assertions: z.array(z.object({ label: z.string(), data: z.unknown() })).nullish(),
  ingredients: z
    .array(
      z.object({
        title: z.string().nullish(),
        relationship: z.string().nullish(),
        active_manifest: z.string().nullish(),
      }),
    )
    .nullish(),
  signature_info: z
    .object({
      issuer: z.string().nullish(),
      common_name: z.string().nullish(),
      time: z.string().nullish(),
    })
    .nullish(),
});
const storeSchema = z.object({
  active_manifest: z.string(),
  manifests: z.record(z.string(), manifestSchema),
  validation_status: z.array(z.object({ code: z.string() })).nullish(),
  validation_state: z.enum(["Invalid", "Valid", "Trusted"]),
});
export type Software = z.infer<typeof softwareSchema>;
export type C2paManifest = z.infer<typeof manifestSchema>;
export type C2paAction = z.infer<typeof actionSchema>;

export type ManifestReading =
  | { readonly kind: "none" }
  /** One is there, and is not what its maker wrote. */
  | { readonly kind: "unreadable"; readonly detail: string }
  | {
      readonly kind: "read";
      /** Signature, statements and picture belong together; says nothing about who signed. */
      readonly valid: boolean;
      /** By somebody on a list of trusted authorities; none is configured, so that nobody is. */
      readonly trusted: boolean;
      /** Codes of C2PA, section 15.2, of what is wrong; empty when valid. */
      readonly problems: readonly string[];
      readonly active: C2paManifest;
      readonly manifests: Readonly<Record<string, C2paManifest>>;
      /** Everything, as the library tells it. */
      readonly everything: unknown;
    };

/** Nothing is fetched: neither manifests that are elsewhere nor answers about certificates. */
const READING = JSON.stringify({
  verify: { verify_trust: true, remote_manifest_fetch: false, ocsp_fetch: false },
});
const UNTRUSTED = "signingCredential.untrusted";

/** The type of a manifest store's box and the label of a claim: either stays when a byte of the other is changed. */
const STORE_TYPE = Buffer.from("6332706100110010800000aa00389b71", "hex");
const CLAIM_LABEL = "c2pa.claim";

/** Whether a manifest seems to be embedded; a quick look. */
export function mayHoldManifest(bytes: Uint8Array): boolean {
  return holdsStore(bytes) || bufferOf(bytes).includes(CLAIM_LABEL);
}

function holdsStore(bytes: Uint8Array): boolean {
  return bufferOf(bytes).includes(STORE_TYPE);
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/**
 * @param bytes a whole file
 * @param mediaType such as `image/jpeg`
 * @throws AtelierError `Unexpected` when the library itself cannot be loaded
 */
export async function readManifests(bytes: Uint8Array, mediaType: string): Promise<ManifestReading> {
  if (!mayHoldManifest(bytes)) return { kind: "none" };
  const engine = await c2paEngine().catch((cause: unknown) => {
    throw new AtelierError("Unexpected", "The C2PA library could not be loaded.", { cause });
  });
  try {
    const reader = await engine.WasmReader.fromBytes(mediaType, bytes, READING);
    try {
      return readingOf(JSON.parse(reader.json()));
    } finally {
      reader.free();
    }
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    // Only the label's words stood somewhere in the file.
    if (detail.includes("JumbfNotFound") && !holdsStore(bytes)) return { kind: "none" };
    return { kind: "unreadable", detail };
  }
}

/** What was done, the first action first; none when the maker did not say. */
export function actionsOf({ assertions }: C2paManifest): C2paAction[] {
  return (assertions ?? []).flatMap(({ label, data }) => {
    if (!label.startsWith("c2pa.actions")) return [];
    const parsed = z.object({ actions: z.array(actionSchema) }).safeParse(data);
    return parsed.success ? parsed.data.actions : [];
  });
}

function readingOf(everything: unknown): ManifestReading {
  const { manifests, active_manifest, validation_state, validation_status } = storeSchema.parse(everything);
  const active = manifests[active_manifest];
  if (!active) return { kind: "unreadable", detail: "the active manifest is missing" };
  const codes = (validation_status ?? []).map(({ code }) => code).filter((code) => code !== UNTRUSTED);
  return {
    kind: "read",
    valid: validation_state !== "Invalid",
    trusted: validation_state === "Trusted",
    problems: validation_state === "Invalid" ? [...new Set(codes)] : [],
    active,
    manifests,
    everything,
  };
}
