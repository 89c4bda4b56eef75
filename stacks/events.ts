/// <reference path="../.sst/platform/config.d.ts" />
import { prefix } from "./stage.ts";

/** Where events are sent to; other programs put rules on it (source `atelier`, detail-type as in docs/events.md). */
export function eventBus() {
  return new aws.cloudwatch.EventBus("Events", { name: prefix });
}
