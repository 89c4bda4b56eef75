/** @module Versions: by image and recipe, and those that are being made or removed. */
import { isUnfinished, type Version, type Versions, versionIdOf, versionSchema } from "@atelier/core/version";
import type { Dynamo } from "./client.ts";
import { OPEN_VERSIONS, versionKey, versionsOfImage } from "./keys.ts";
import { itemsUnder } from "./listing.ts";
import { createOpenRecords, type Kind, type Openness, parseRecord } from "./records.ts";

const versionKind: Kind<Version> & { open: Openness<Version> } = {
  name: "version",
  schema: versionSchema,
  idOf: versionIdOf,
  keyOf: versionKey,
  fixed: ["imageId", "recipeName", "createdAtMs"],
  open: {
    hash: OPEN_VERSIONS,
    isOpen: isUnfinished,
    decidedBy: ["state"],
    createdAtMs: (version) => version.createdAtMs,
  },
};

export function createVersions(dynamo: Dynamo): Versions {
  return {
    ...createOpenRecords(versionKind, dynamo),
    ofImage: async (imageId) =>
      (await itemsUnder(versionsOfImage(imageId), dynamo)).map((item) => parseRecord(versionKind, item)),
    async remove(versionId) {
      await dynamo.remove(versionKey(versionId));
    },
  };
}
