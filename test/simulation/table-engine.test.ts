/** @module The table in memory is a table: it passes the contract that DynamoDB's engines pass. */
import { describe } from "vitest";
import { describeTableContract } from "../contract/table.ts";
import { connectBySdk } from "./table-client.ts";
import { createTableEngine } from "./table-engine.ts";

describe("the table in memory", () => {
  describeTableContract(async () => {
    const connected = connectBySdk(createTableEngine());
    return { ...connected, close: async () => connected.client.destroy() };
  });
});
