/** @module Signers for tests, and files as a provider delivers them that writes manifests of its own. */
import type { ProvenanceSigner } from "@atelier/core/pictures";
import { claimSigner } from "../c2pa-cose.ts";
import { c2paEngine, memoryBlob } from "../c2pa-engine.ts";
import { createPemSigner } from "../c2pa-pem-signer.ts";
import { createTestKey } from "../c2pa-test-certificate.ts";

/** A key of its own each time. */
export function testSigner(): ProvenanceSigner {
  return createPemSigner(testKey());
}

export function testKey() {
  return createTestKey({
    clock: () => Date.UTC(2026, 10, 22),
    randomBytes: (size) => new Uint8Array(size).fill(7),
  });
}

export interface ProviderManifest {
  readonly title?: string;
  readonly program?: string;
  readonly description?: string;
  readonly assertion?: { readonly label: string; readonly data: unknown };
  /** A file kept within the manifest. */
  readonly thumbnail?: Uint8Array;
}

/** The picture signed by "Somebody", who made it with a model. */
export async function providerFile(
  picture: Uint8Array,
  mediaType: string,
  { title = "image.png", program = "Somebody", description, assertion, thumbnail }: ProviderManifest = {},
): Promise<Uint8Array> {
  const { WasmBuilder } = await c2paEngine();
  const created = {
    action: "c2pa.created",
    digitalSourceType: "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
    ...(description === undefined ? {} : { description }),
  };
  const definition = {
    claim_generator_info: [{ name: program, version: "2" }],
    title,
    assertions: [
      { label: "c2pa.actions.v2", data: { actions: [created] } },
      ...(assertion ? [assertion] : []),
    ],
  };
  const settings = JSON.stringify({ builder: { thumbnail: { enabled: false } } });
  const builder = WasmBuilder.fromJson(JSON.stringify(definition), settings);
  if (thumbnail) builder.setThumbnailFromBlob("image/jpeg", memoryBlob(thumbnail, "image/jpeg"));
  const signer = claimSigner(testSigner());
  const bytes = await builder.sign(
    { alg: "es256", reserveSize: signer.bytes, sign: signer.sign },
    [],
    mediaType,
    memoryBlob(picture, mediaType),
  );
  builder.free();
  return bytes;
}
