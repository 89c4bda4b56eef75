/** @module Callers whose requests were refused, changed by compare-and-set on their revision. */
import { type Callers, callerRecordSchema } from "@atelier/core/probing";
import { numbered } from "@atelier/core/schema-versions";
import type { Dynamo } from "./client.ts";
import { ifUnchangedSince } from "./expressions.ts";
import { CALLERS } from "./keys.ts";
import { recordsOf, smallKey } from "./small-records.ts";

export function createCallers(dynamo: Dynamo): Callers {
  const records = recordsOf({ name: "caller", schema: callerRecordSchema }, CALLERS, dynamo);
  return {
    get: records.get,
    all: records.all,
    write: (record) =>
      dynamo.put(
        { ...numbered("caller", record), ...smallKey(CALLERS, record.caller) },
        ifUnchangedSince("revision", record.revision === 1 ? null : record.revision - 1),
      ),
  };
}
