import type { Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe } from "vitest";
import { createActiveTable } from "../builders/active-table.ts";
import { describeTableContract } from "./table.ts";

const dynalite: (options: { createTableMs: number }) => Server = createRequire(import.meta.url)("dynalite");

describe("the table on dynalite", () => {
  const server = dynalite({ createTableMs: 0 });
  let tables = 0;

  beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  describeTableContract(async () => {
    const client = new DynamoDBClient({
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      region: "eu-west-3",
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
    });
    const tableName = `contract-${++tables}`;
    await createActiveTable(client, tableName);
    return { client, tableName, close: async () => client.destroy() };
  });
});
