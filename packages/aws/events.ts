/**
 * @module Events on AWS: on the stack's bus for whoever subscribes, and as items of the table, a partition a day, for whoever asks
 * what happened. The item stands once the bus has taken the event: a repeat is seen by it and goes nowhere.
 */
import { measurementsOf } from "@atelier/core/event-metrics";
import { type EventDocument, eventDocument } from "@atelier/core/events";
import { bounded, type KnownNames } from "@atelier/core/metrics";
import type { Events } from "@atelier/core/ports";
import type { Dynamo } from "./dynamo/client.ts";
import { ifAbsent } from "./dynamo/expressions.ts";
import { eventKey } from "./dynamo/keys.ts";
import type { Telemetry } from "./telemetry.ts";

/** Who asks for events asks for what is new; a month is long for that. */
const KEPT_SECONDS = 30 * 24 * 60 * 60;

/** Where events are sent to. */
export interface EventBus {
  /** Resolves once the event is taken. @throws AtelierError `StorageUnavailable` otherwise */
  send(event: EventDocument): Promise<void>;
}

export function createEvents(deps: {
  readonly dynamo: Pick<Dynamo, "get" | "put">;
  readonly bus: EventBus;
  readonly telemetry: Pick<Telemetry, "measure">;
  readonly known: KnownNames;
}): Events {
  const { dynamo, bus, telemetry, known } = deps;
  // Warnings are told again with each purchase: by this process once.
  const told = new Set<string>();
  return {
    async publish(event) {
      if (told.has(event.id)) return;
      const key = eventKey(event);
      if (!(await dynamo.get(key))) {
        const document = eventDocument(event);
        await bus.send(document);
        const expiresAt = Math.ceil(event.atMs / 1000) + KEPT_SECONDS;
        const isNew = await dynamo.put({ ...document, ...key, expiresAt }, ifAbsent());
        if (isNew) telemetry.measure(...bounded(measurementsOf(event), known));
      }
      told.add(event.id);
    },
  };
}
