/** @module An EventBridge for tests over HTTP on loopback: it takes every entry and keeps what was sent. */
import { startScriptedServer } from "./scripted-server.ts";

export interface TestEventBus {
  readonly origin: string;
  /** Details of the entries, in order. */
  readonly events: readonly { readonly id: string; readonly type: string }[];
  close(): Promise<void>;
}

export async function startTestEventBus(): Promise<TestEventBus> {
  const events: { id: string; type: string }[] = [];
  const server = await startScriptedServer(({ body }) => {
    const { Entries } = JSON.parse(body) as { Entries: { Detail: string }[] };
    for (const { Detail } of Entries) events.push(JSON.parse(Detail));
    return {
      status: 200,
      headers: { "content-type": "application/x-amz-json-1.1" },
      body: JSON.stringify({
        FailedEntryCount: 0,
        Entries: Entries.map((_, index) => ({ EventId: `${index}` })),
      }),
    };
  });
  return { origin: server.origin, events, close: server.close };
}
