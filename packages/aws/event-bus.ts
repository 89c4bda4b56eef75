/** @module The stack's event bus on EventBridge: what other programs subscribe to. */
import type { EventDocument } from "@atelier/core/events";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import type { EventBus } from "./events.ts";
import { type ServiceNames, serviceFailure } from "./service-failure.ts";

/** Rules match on it, and on the type as `detail-type`. */
export const EVENT_SOURCE = "atelier";

const NAMES: ServiceNames = {
  passing: new Set(["InternalException", "InternalFailure", "ThrottlingException"]),
  misconfigured: new Set(["NotAuthorizedForSourceException", "ResourceNotFoundException"]),
};

/** Region, credentials and endpoint come from the environment of the function, as the SDK reads it. */
export function connectEventBus(busName: string): EventBus {
  const client = new EventBridgeClient({
    requestHandler: { connectionTimeout: 3_000, requestTimeout: 10_000, throwOnRequestTimeout: true },
  });
  return createEventBus({ client, busName });
}

/** @throws AtelierError as `serviceFailure`; `StorageUnavailable` also for an event that the bus did not take this time */
export function createEventBus(deps: {
  readonly client: EventBridgeClient;
  readonly busName: string;
}): EventBus {
  const { client, busName } = deps;
  return {
    async send(event) {
      try {
        const { FailedEntryCount, Entries } = await client.send(
          new PutEventsCommand(entriesOf(event, busName)),
        );
        // The call succeeds also where none of its entries is taken.
        if (FailedEntryCount !== 0) throw notTaken(Entries?.[0]);
      } catch (error) {
        throw serviceFailure(error, `The event bus ${busName}`, `taking ${event.type}`, NAMES);
      }
    },
  };
}

function entriesOf(event: EventDocument, busName: string) {
  return {
    Entries: [
      {
        EventBusName: busName,
        Source: EVENT_SOURCE,
        DetailType: event.type,
        Time: new Date(event.at),
        Detail: JSON.stringify(event),
      },
    ],
  };
}

/** As the error that the whole call would have had. */
function notTaken(entry: { readonly ErrorCode?: string; readonly ErrorMessage?: string } | undefined): Error {
  const { ErrorCode = "InternalFailure", ErrorMessage = "it did not say why" } = entry ?? {};
  return Object.assign(new Error(ErrorMessage), { name: ErrorCode });
}
