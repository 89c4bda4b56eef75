/** @module The content gate's records of one data folder: reviews, removed pictures, attestations, callers. */
import { createAttestations } from "@atelier/aws/dynamo/attestations";
import { createCallers } from "@atelier/aws/dynamo/callers";
import type { Dynamo } from "@atelier/aws/dynamo/client";
import { createBlockedPictures, createReviews } from "@atelier/aws/dynamo/reviews";
import { type AttestationStore, termsOf } from "@atelier/core/attestations";
import { createPictureBlock, type PictureBlock } from "@atelier/core/picture-block";
import type { TextVault } from "@atelier/core/ports";
import type { Callers } from "@atelier/core/probing";
import type { Reviews } from "@atelier/core/review";
import type { Attestation } from "@atelier/core/terms";
import type { DataKeys } from "./data-folder.ts";

export interface Gate {
  readonly reviews: Reviews;
  readonly pictureBlock: PictureBlock;
  readonly attestations: AttestationStore;
  readonly callers: Callers;
  readonly texts: TextVault;
  readonly linkKey: Uint8Array;
  /** The environment's, and this folder's as they were last read. */
  termsAttested(): readonly Attestation[];
  /** Reads them again: another process may have been told something. */
  refresh(): Promise<void>;
}

export async function openGate(
  dynamo: Dynamo,
  keys: Pick<DataKeys, "pictureKey" | "linkKey">,
  given: { readonly texts: TextVault; readonly attestations: readonly Attestation[] },
): Promise<Gate> {
  const attestations = createAttestations(dynamo);
  let attested: readonly Attestation[] = given.attestations;
  const gate: Gate = {
    reviews: createReviews(dynamo),
    pictureBlock: createPictureBlock(createBlockedPictures(dynamo), keys.pictureKey),
    attestations,
    callers: createCallers(dynamo),
    texts: given.texts,
    linkKey: keys.linkKey,
    termsAttested: () => attested,
    async refresh() {
      attested = [...given.attestations, ...termsOf(await attestations.terms())];
    },
  };
  await gate.refresh();
  return gate;
}
