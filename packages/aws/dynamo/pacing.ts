/** @module When a provider said "later", everybody leaves it alone until then. */
import type { Clock } from "@atelier/core/ids";
import type { Pacing } from "@atelier/core/ports";
import * as z from "zod";
import type { Dynamo } from "./client.ts";
import { ifAbsentOrBelow } from "./expressions.ts";
import { pacingKey } from "./keys.ts";
import { parseRecord } from "./records.ts";

const restSchema = z.object({ restUntilMs: z.number() });

export function createPacing(deps: { dynamo: Dynamo; clock: Clock }): Pacing {
  const { dynamo, clock } = deps;
  return {
    async waitMs(provider) {
      const item = await dynamo.get(pacingKey(provider));
      if (!item) return 0;
      return Math.max(0, parseRecord({ name: "pacing", schema: restSchema }, item).restUntilMs - clock());
    },
    /** Of several rests the longest stands. */
    async restUntil(provider, untilMs) {
      await dynamo.put(
        { ...pacingKey(provider), restUntilMs: untilMs },
        ifAbsentOrBelow("restUntilMs", untilMs),
      );
    },
  };
}
