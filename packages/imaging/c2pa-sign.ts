/** @module Signs one rendition with a C2PA manifest. It comes last: whatever is changed afterwards makes it invalid. */
import { AtelierError, isAtelierError } from "@atelier/core/errors";
import type { Provenance, ProvenanceSigner } from "@atelier/core/pictures";
import type { WasmBuilder } from "@contentauth/c2pa-wasm";
import { type ClaimSigner, claimSigner } from "./c2pa-cose.ts";
import { c2paEngine, memoryBlob } from "./c2pa-engine.ts";
import type { Parent } from "./c2pa-parent.ts";
import manifest from "./package.json" with { type: "json" };
import { DIGITAL_SOURCE_TYPE } from "./provenance.ts";

/** What was done to the pixels, in order, in C2PA's words (section 19.2 of C2PA 2.2). */
export type DevelopingAction = "c2pa.enhanced" | "c2pa.resized" | "c2pa.filtered" | "c2pa.transcoded";

export interface Rendered {
  readonly data: Uint8Array;
  readonly contentType: string;
  readonly actions: readonly DevelopingAction[];
}

const SETTINGS = JSON.stringify({
  builder: { thumbnail: { enabled: false } },
  verify: { verify_trust: false, remote_manifest_fetch: false, ocsp_fetch: false },
});
/** Names the ingredient within the definition only. */
const PARENT_ID = "provider";

/** A provider's manifest may hold pictures; one larger than this would outweigh most renditions. */
const PARENT_BYTES_MAX = 256 * 1024;

interface Statement {
  readonly provenance: Provenance;
  readonly signer: ProvenanceSigner;
  readonly parent: Parent | null;
}

/**
 * The file with its manifest; about 2 kB more, and those of the provider's manifest.
 *
 * @throws AtelierError what the signer throws, `StorageUnavailable` for anything unnamed; `Unexpected` when the library refuses
 */
export async function signRendition(rendered: Rendered, statement: Statement): Promise<Uint8Array> {
  const signed = await signAs(rendered, statement).catch((error: unknown) => {
    // A provider's manifest must not stand in the way of a picture that is paid.
    if (isAtelierError(error, "Unexpected") && statement.parent?.kind === "kept") return null;
    throw error;
  });
  const isFit = signed && signed.length - rendered.data.length <= PARENT_BYTES_MAX;
  return isFit ? signed : signAs(rendered, { ...statement, parent: { kind: "withheld" } });
}

async function signAs(
  { data, contentType, actions }: Rendered,
  { provenance, signer, parent }: Statement,
): Promise<Uint8Array> {
  const claim = claimSigner(signer);
  const fault: { error?: unknown } = {};
  try {
    const { WasmBuilder } = await c2paEngine();
    const definition = definitionOf(provenance, contentType, parent, actions);
    const builder = WasmBuilder.fromJson(JSON.stringify(definition), SETTINGS);
    try {
      await addParent(builder, parent);
      const cose = { alg: signer.algorithm, reserveSize: claim.bytes, sign: keeping(fault, claim) };
      return await builder.sign(cose, [], contentType, memoryBlob(data, contentType));
    } finally {
      builder.free();
    }
  } catch (error) {
    if (isAtelierError(fault.error)) throw fault.error;
    if ("error" in fault) {
      throw new AtelierError(
        "StorageUnavailable",
        `The signing key for provenance failed: ${said(fault.error)}. It can be tried again.`,
        { cause: fault.error },
      );
    }
    throw new AtelierError(
      "Unexpected",
      `The C2PA manifest of image ${provenance.imageId} could not be made: ${said(error)}.`,
      { cause: error },
    );
  }
}

/** The library turns what `sign` throws into a text. */
function keeping(fault: { error?: unknown }, claim: ClaimSigner): ClaimSigner["sign"] {
  return async (bytes) => {
    try {
      return await claim.sign(bytes);
    } catch (error) {
      fault.error = error;
      throw error;
    }
  };
}

function definitionOf(
  { title, model, modelVersion, createdAtMs }: Provenance,
  contentType: string,
  parent: Parent | null,
  done: readonly DevelopingAction[],
) {
  const first =
    parent === null
      ? {
          action: "c2pa.created",
          when: new Date(createdAtMs).toISOString(),
          softwareAgent: { name: model, ...(modelVersion === null ? {} : { version: modelVersion }) },
        }
      : { action: "c2pa.opened", parameters: { ingredientIds: [PARENT_ID] } };
  const actions = [
    { ...first, digitalSourceType: DIGITAL_SOURCE_TYPE },
    ...done.map((action) => ({ action })),
  ];
  return {
    claim_generator_info: [{ name: "Atelier", version: manifest.version }],
    title,
    format: contentType,
    assertions: [{ label: "c2pa.actions.v2", data: { actions, allActionsIncluded: true } }],
  };
}

async function addParent(builder: WasmBuilder, parent: Parent | null): Promise<void> {
  if (parent === null) return;
  const ingredient = {
    title:
      parent.kind === "kept" ? "The provider's file" : "The provider's file (its manifest stays with it)",
    relationship: "parentOf",
    instance_id: PARENT_ID,
  };
  if (parent.kind === "withheld") builder.addIngredient(JSON.stringify(ingredient));
  else {
    const file = memoryBlob(parent.bytes, parent.mediaType);
    await builder.addIngredientFromBlob(JSON.stringify(ingredient), parent.mediaType, file);
  }
}

function said(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\.$/, "");
}
