/**
 * @module Events as items of the table, a partition a day, for whoever follows them; and counted as metrics. A repeated event
 * changes nothing and is counted once.
 */
import type { Events } from "@atelier/core/ports";
import type { Dynamo } from "./dynamo/client.ts";
import { ifAbsent } from "./dynamo/expressions.ts";
import { eventKey } from "./dynamo/keys.ts";
import type { MetricName, Telemetry } from "./telemetry.ts";

/** Who follows events asks for what is new; a month is long for that. */
const KEPT_SECONDS = 30 * 24 * 60 * 60;

const COUNTED: Readonly<Record<string, MetricName>> = {
  "image-completed": "ImagesCompleted",
  "image-quarantined": "ImagesQuarantined",
  "image-rejected": "ImagesRejected",
  "image-failed": "ImagesFailed",
};

export function createEvents(deps: {
  readonly dynamo: Dynamo;
  readonly telemetry: Pick<Telemetry, "count">;
}): Events {
  const { dynamo, telemetry } = deps;
  return {
    async publish(event) {
      const expiresAt = Math.ceil(event.atMs / 1000) + KEPT_SECONDS;
      const isNew = await dynamo.put({ ...event, ...eventKey(event), expiresAt }, ifAbsent());
      const name = COUNTED[event.type];
      if (!isNew || name === undefined) return;
      telemetry.count(name, 1);
      const { costMicros } = event.detail;
      if (typeof costMicros === "number") telemetry.count("SpentMicros", costMicros);
    },
  };
}
