/**
 * @module Tables of one dynalite in memory, in this process: the real wire, nothing on disk. They are reached by the client of a data
 * folder: what the SDK's own does to a request is the matter of the table's contract and costs more than all the rest.
 */
import { Agent, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { createDynamo, type Dynamo } from "@atelier/aws/dynamo/client";
import { createEngineClient, type EngineClient } from "@atelier/local/engine-client";
import type { Connection } from "@atelier/local/engine-connection";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createActiveTable } from "./active-table.ts";

const dynalite: (options: { createTableMs: number }) => Server = createRequire(import.meta.url)("dynalite");

/** dynalite wants to see a signature and looks no further. */
const SIGNED = {
  authorization: "AWS4-HMAC-SHA256 Credential=test, SignedHeaders=host, Signature=test",
  "x-amz-date": "20261122T060000Z",
};

export interface MemoryTables {
  readonly client: EngineClient;
  /** A new, empty table. */
  table(): Promise<Dynamo>;
  close(): Promise<void>;
}

export async function startMemoryTables(): Promise<MemoryTables> {
  const server = dynalite({ createTableMs: 0 });
  server.prependListener("request", (request) => Object.assign(request.headers, SIGNED));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  // The types know these options of requests only; the agent hands them on to `net.connect`.
  const agent = new Agent({ keepAlive: true, maxSockets: 32, ...{ host: "127.0.0.1", port } });
  const connection: Connection = {
    role: "guest",
    agent,
    ended: new Promise(() => {}),
    end: async () => agent.destroy(),
  };
  const client = createEngineClient({ current: async () => connection, drop: async () => {} });
  let tables = 0;
  return {
    client,
    async table() {
      const tableName = `table-${++tables}`;
      await createActiveTable(client as DynamoDBClient, tableName);
      return createDynamo({ client, tableName });
    },
    async close() {
      agent.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
