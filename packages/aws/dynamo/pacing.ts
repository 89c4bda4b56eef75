/** @module One item per provider account, changed by compare-and-set on its revision. */
import { pacingRowSchema } from "@atelier/core/pacing-row";
import type { PacingStore } from "@atelier/core/ports";
import { numbered } from "@atelier/core/schema-versions";
import type { Dynamo } from "./client.ts";
import { ifUnchangedSince } from "./expressions.ts";
import { pacingKey } from "./keys.ts";
import { parseRecord } from "./records.ts";

const pacingKind = { name: "pacing", schema: pacingRowSchema } as const;

export function createPacingStore(dynamo: Dynamo): PacingStore {
  return {
    async read(provider) {
      const item = await dynamo.get(pacingKey(provider));
      // The first release wrote the provider into the key alone.
      return item && parseRecord(pacingKind, { provider, ...item });
    },

    // A write whose answer was lost is repeated by the client and then fails on itself: that costs the asker a token, no more.
    async write(row) {
      return dynamo.put(
        { ...numbered(pacingKind.name, row), ...pacingKey(row.provider) },
        ifUnchangedSince("revision", row.revision === 1 ? null : row.revision - 1),
      );
    },
  };
}
