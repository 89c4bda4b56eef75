/** @module Tables of one dynalite in memory, in this process: the real wire, nothing on disk. */
import type { Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { createDynamo, type Dynamo } from "@atelier/aws/dynamo/client";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createActiveTable } from "./active-table.ts";

const dynalite: (options: { createTableMs: number }) => Server = createRequire(import.meta.url)("dynalite");

export interface MemoryTables {
  /** A new, empty table. */
  table(): Promise<Dynamo>;
  close(): Promise<void>;
}

export async function startMemoryTables(): Promise<MemoryTables> {
  const server = dynalite({ createTableMs: 0 });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const client = new DynamoDBClient({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: "eu-west-3",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  let tables = 0;
  return {
    async table() {
      const tableName = `table-${++tables}`;
      await createActiveTable(client, tableName);
      return createDynamo({ client, tableName });
    },
    async close() {
      client.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
