/** @module One item per provider account, changed by compare-and-set on its revision. */
import { emptyPacingRow, type PacingRow, pacingRowSchema } from "@atelier/core/pacing-row";
import type { PacingStore } from "@atelier/core/ports";
import * as z from "zod";
import type { Dynamo } from "./client.ts";
import { ifUnchangedSince } from "./expressions.ts";
import { pacingKey } from "./keys.ts";
import { parseRecord } from "./records.ts";

/** As the first release wrote it: a rest and nothing else. */
const restSchema = z.object({ restUntilMs: z.number() });

export function createPacingStore(dynamo: Dynamo): PacingStore {
  return {
    async read(provider): Promise<PacingRow | undefined> {
      const item = await dynamo.get(pacingKey(provider));
      if (!item) return undefined;
      if (item.revision !== undefined) return parseRecord({ name: "pacing", schema: pacingRowSchema }, item);
      const { restUntilMs } = parseRecord({ name: "pacing", schema: restSchema }, item);
      return { ...emptyPacingRow(provider), restUntilMs };
    },

    // A write whose answer was lost is repeated by the client and then fails on itself: that costs the asker a token, no more.
    async write(row) {
      return dynamo.put(
        { ...row, ...pacingKey(row.provider) },
        ifUnchangedSince("revision", row.revision === 1 ? null : row.revision - 1),
      );
    },
  };
}
